// Drop zones: drag a file onto one, or paste one anywhere on the page. The file lands in the plain input. Parts that
// are loaded later are served too, so everything listens on the document.
const ZONE = '[data-drop]';
const zoneOf = (event) => event.target.closest?.(ZONE);
const size = (bytes) => (bytes < 1048576 ? `${Math.ceil(bytes / 1024)} KB` : `${(bytes / 1048576).toFixed(1)} MB`);

function put(zone, files) {
  const input = zone.querySelector('input[type="file"]');
  if (!input || !files.length) return;
  const chosen = new DataTransfer();
  for (const file of input.multiple ? files : [files[0]]) chosen.items.add(file);
  input.files = chosen.files;
  input.dispatchEvent(new Event('change', { bubbles: true }));
}

document.addEventListener('change', (event) => {
  const input = event.target;
  if (input.matches('input[type="file"][data-send]') && input.files.length) input.form.requestSubmit();
  const zone = input.matches('input[type="file"]') && zoneOf(event);
  if (!zone) return;
  zone.classList.toggle('is-full', input.files.length > 0);
  const words = zone.querySelector('[data-name]');
  if (words && input.files.length) words.textContent = [...input.files].map((file) => `${file.name} (${size(file.size)})`).join(', ');
});
for (const name of ['dragenter', 'dragover']) {
  document.addEventListener(name, (event) => {
    const zone = zoneOf(event);
    if (zone) { event.preventDefault(); zone.classList.add('is-over'); }
    // a file dropped beside the zone must not replace the page
    else if (name === 'dragover' && document.querySelector(ZONE) && !event.target.closest('input, textarea')) event.preventDefault();
  });
}
document.addEventListener('dragleave', (event) => {
  const zone = zoneOf(event);
  if (zone && !zone.contains(event.relatedTarget)) zone.classList.remove('is-over');
});
document.addEventListener('drop', (event) => {
  const zone = zoneOf(event);
  if (zone) { event.preventDefault(); zone.classList.remove('is-over'); put(zone, [...event.dataTransfer.files]); }
  else if (document.querySelector(ZONE) && !event.target.closest('input, textarea')) event.preventDefault();
});
document.addEventListener('click', (event) => {
  const input = zoneOf(event)?.querySelector('input[type="file"]');
  if (input && event.target !== input && !event.target.closest('label, button, a')) input.click();
});
document.addEventListener('paste', (event) => {
  const zone = document.querySelector(ZONE);
  if (zone && event.clipboardData.files.length) { event.preventDefault(); put(zone, [...event.clipboardData.files]); }
});
