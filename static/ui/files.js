// Drop zone: drag a file onto it or paste one anywhere on the page. The file lands in the plain input.
const zones = [...document.querySelectorAll('[data-drop]')];

function put(zone, files) {
  const input = zone.querySelector('input[type="file"]');
  if (!input || !files.length) return;
  const chosen = new DataTransfer();
  for (const file of input.multiple ? files : [files[0]]) chosen.items.add(file);
  input.files = chosen.files;
  input.dispatchEvent(new Event('change', { bubbles: true }));
}

for (const zone of zones) {
  const input = zone.querySelector('input[type="file"]');
  const words = zone.querySelector('[data-name]');
  const size = (bytes) => (bytes < 1048576 ? `${Math.ceil(bytes / 1024)} KB` : `${(bytes / 1048576).toFixed(1)} MB`);
  input.addEventListener('change', () => {
    zone.classList.toggle('is-full', input.files.length > 0);
    if (input.files.length) words.textContent = [...input.files].map((file) => `${file.name} (${size(file.size)})`).join(', ');
  });
  for (const name of ['dragenter', 'dragover']) {
    zone.addEventListener(name, (event) => { event.preventDefault(); zone.classList.add('is-over'); });
  }
  for (const name of ['dragleave', 'drop']) zone.addEventListener(name, () => zone.classList.remove('is-over'));
  zone.addEventListener('drop', (event) => { event.preventDefault(); put(zone, [...event.dataTransfer.files]); });
  zone.addEventListener('click', (event) => { if (event.target !== input) input.click(); });
}

if (zones.length) {
  // a file dropped beside the zone must not replace the page
  for (const name of ['dragover', 'drop']) document.addEventListener(name, (event) => { if (!event.target.closest('[data-drop], input, textarea')) event.preventDefault(); });
  document.addEventListener('paste', (event) => {
    if (event.clipboardData.files.length) { event.preventDefault(); put(zones[0], [...event.clipboardData.files]); }
  });
}
