// Drafts: what is typed into <form data-draft="path"> is kept on the server a moment later, and offered when the form is
// opened again. Passwords, files and hidden fields are never kept; saving the form drops its draft.
const WAIT = 800;
const waiting = new WeakMap(); // form → timer
const sending = new WeakMap(); // form → AbortController
const SKIPPED = new Set(['password', 'file', 'hidden', 'submit', 'button', 'reset', 'image']);
const token = () => document.querySelector('meta[name="csrf-token"]')?.content || '';
const fields = (form) => [...form.elements].filter((el) => el.name && !SKIPPED.has(el.type) && el.matches('input, select, textarea'));

function typed(form) {
  const pairs = [];
  for (const el of fields(form)) {
    if (el.type === 'checkbox' || el.type === 'radio') { if (el.checked) pairs.push([el.name, el.value]); } else if (el.multiple) for (const option of el.selectedOptions) pairs.push([el.name, option.value]);
    else pairs.push([el.name, el.value]);
  }
  return pairs;
}

async function keep(form, { keepalive = false } = {}) {
  clearTimeout(waiting.get(form));
  waiting.delete(form);
  if (form.dataset.sent) return;
  sending.get(form)?.abort();
  const cut = new AbortController();
  sending.set(form, cut);
  const body = new URLSearchParams({ form: form.dataset.draft, version: form.elements.version?.value || '', typed: JSON.stringify(typed(form)) });
  try {
    const answer = await fetch(form.dataset.draftKeep, { method: 'POST', body, keepalive, signal: cut.signal, headers: { 'X-CSRFToken': token(), 'HX-Request': 'true', Accept: 'application/json' } });
    if (!answer.ok) return;
    const { told } = await answer.json();
    if (waiting.has(form) || form.dataset.sent) return;
    delete form.dataset.dirty; // it is safe: leaving needs no question
    const place = form.querySelector('[data-draft-told]');
    if (place) place.textContent = told;
  } catch { /* not connected: the next key tries again, and the browser asks before leaving */ }
}

document.addEventListener('input', (event) => {
  const form = event.target.form;
  if (!form?.matches('[data-draft]')) return;
  clearTimeout(waiting.get(form));
  waiting.set(form, setTimeout(() => keep(form), WAIT));
});
document.addEventListener('submit', (event) => {
  const form = event.target;
  if (!form.matches('[data-draft]')) return;
  clearTimeout(waiting.get(form));
  waiting.delete(form);
  sending.get(form)?.abort();
});
addEventListener('pagehide', () => {
  for (const form of document.querySelectorAll('form[data-draft]')) if (waiting.has(form)) keep(form, { keepalive: true });
});

function fill(form, { values, version }) {
  const left = new Map();
  for (const [name, text] of values) left.set(name, [...(left.get(name) || []), text]);
  for (const el of fields(form)) {
    const texts = left.get(el.name);
    if (el.type === 'checkbox' || el.type === 'radio') el.checked = Boolean(texts?.includes(el.value));
    else if (el.multiple) for (const option of el.options) option.selected = Boolean(texts?.includes(option.value));
    else if (texts?.length) el.value = texts.shift();
    else continue;
    el.dispatchEvent(new Event('change', { bubbles: true }));
  }
  // the version it was typed over: if others have saved since, both versions will be shown
  if (form.elements.version && version) form.elements.version.value = version;
  form.dataset.dirty = '1';
}

document.addEventListener('click', (event) => {
  const offer = event.target.closest?.('[data-draft-offer]');
  if (!offer) return;
  const form = offer.closest('form');
  const back = event.target.closest('[data-draft-back]');
  const drop = event.target.closest('[data-draft-drop]');
  if (!back && !drop) return;
  if (back) fill(form, JSON.parse(offer.querySelector('[data-draft-values]').textContent));
  else {
    fetch(drop.dataset.draftDrop, { method: 'POST', body: new URLSearchParams({ form: form.dataset.draft }), headers: { 'X-CSRFToken': token(), 'HX-Request': 'true' } });
  }
  offer.remove();
  fields(form)[0]?.focus();
});

const show = (root) => { for (const offer of root.querySelectorAll('[data-draft-offer]')) offer.hidden = false; };
show(document);
document.addEventListener('htmx:load', (event) => { if (event.detail.elt !== document.body) show(event.detail.elt.parentElement || document); });
