// Select many: the box in the head, shift-click for a range, the bar that comes up, "all of the filter".
for (const bar of document.querySelectorAll('[data-selection]')) {
  const form = document.getElementById(bar.dataset.selection);
  const boxes = () => [...document.querySelectorAll(`input[type="checkbox"][name="ids"][form="${form.id}"]`)];
  const head = document.querySelector('[data-select-all]');
  const all = form.querySelector('[data-all]');
  const count = bar.querySelector('[data-count]');
  const unit = bar.querySelector('[data-many]');
  const choose = bar.querySelector('[data-choose-all]');
  let last = null;

  function show() {
    const every = boxes();
    const chosen = every.filter((box) => box.checked);
    for (const box of every) box.closest('tr, .td-card, li')?.classList.toggle('is-sel', box.checked);
    if (head) {
      head.checked = every.length > 0 && chosen.length === every.length;
      head.indeterminate = chosen.length > 0 && chosen.length < every.length;
    }
    if (chosen.length < every.length) all.value = '';
    const number = all.value ? choose.dataset.chooseAll : chosen.length;
    count.textContent = Number(number).toLocaleString('en-US');
    if (unit) unit.textContent = Number(number) === 1 ? unit.dataset.one : unit.dataset.many;
    if (choose) choose.hidden = Boolean(all.value) || Number(choose.dataset.chooseAll) <= chosen.length;
    bar.hidden = chosen.length === 0;
  }

  function set(list, value) {
    for (const box of list) box.checked = value;
    show();
  }

  document.addEventListener('change', (event) => {
    if (event.target === head) set(boxes(), head.checked);
    else if (event.target.matches('input[name="ids"]') && event.target.form === form) show();
  });
  document.addEventListener('click', (event) => {
    const box = event.target.closest('input[name="ids"]');
    if (!box || box.form !== form) return;
    if (event.shiftKey && last && last !== box) {
      const every = boxes();
      const [from, to] = [every.indexOf(last), every.indexOf(box)].sort((a, b) => a - b);
      set(every.slice(from, to + 1), box.checked);
    }
    last = box;
  });
  choose?.addEventListener('click', () => { set(boxes(), true); all.value = '1'; show(); });
  bar.querySelector('[data-clear-selection]').addEventListener('click', () => { all.value = ''; set(boxes(), false); });
  addEventListener('pageshow', show);
  show();
}
