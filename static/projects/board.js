// A card dropped on another column asks its own form to move it: the same gate as the select beside it.
let held = null;

document.addEventListener('dragstart', (event) => {
  held = event.target.closest('[data-card]');
  if (held) event.dataTransfer.effectAllowed = 'move';
});
document.addEventListener('dragend', () => {
  held = null;
  for (const lane of document.querySelectorAll('[data-lane].is-over')) lane.classList.remove('is-over');
});
document.addEventListener('dragover', (event) => {
  const lane = held && event.target.closest('[data-lane]');
  if (!lane || lane.contains(held)) return;
  event.preventDefault();
  for (const each of document.querySelectorAll('[data-lane]')) each.classList.toggle('is-over', each === lane);
});
document.addEventListener('drop', (event) => {
  const lane = held && event.target.closest('[data-lane]');
  if (!lane || lane.contains(held)) return;
  event.preventDefault();
  const form = held.querySelector('[data-move]');
  form.elements.stage.value = lane.dataset.lane;
  form.requestSubmit();
});
