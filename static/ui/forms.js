// Forms: sent once, filters send themselves, a changed form asks before it is left, the error summary gets the focus.
const BUSY = 'aria-busy';

// a download leaves the page as it is and may be asked for again
const downloads = (form, button) => Boolean(button?.matches('[data-repeat]'))
  || /\/(export|template)\b|\.(csv|xlsx)$/.test(new URL(button?.getAttribute('formaction') || form.getAttribute('action') || '', location.href).pathname);

document.addEventListener('submit', (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.method !== 'post' || downloads(form, event.submitter)) return;
  if (form.dataset.sent) { event.preventDefault(); return; }
  form.dataset.sent = '1';
  delete form.dataset.dirty;
  const buttons = [...form.elements].filter((el) => el.matches('[type="submit"]'));
  // after the browser has read the form, so that the pressed button's own value still goes along
  setTimeout(() => {
    for (const button of buttons) { button.disabled = true; button.setAttribute(BUSY, 'true'); }
  });
});
addEventListener('pageshow', () => {
  for (const form of document.querySelectorAll('form[data-sent]')) {
    delete form.dataset.sent;
    for (const el of form.elements) if (el.hasAttribute(BUSY)) { el.disabled = false; el.removeAttribute(BUSY); }
  }
});

// filters: <form data-autosubmit method="get">; empty fields stay out of the address
function send(form) {
  for (const el of form.elements) if (el.name && el.value === '' && el.type !== 'submit') el.disabled = true;
  form.requestSubmit();
}
document.addEventListener('change', (event) => {
  const form = event.target.form;
  if (form?.matches('[data-autosubmit]') && !event.target.matches('[data-wait]')) send(form);
});
document.addEventListener('submit', (event) => {
  if (event.target.matches('form[data-autosubmit]')) {
    for (const el of event.target.elements) if (el.name && el.value === '' && el.type !== 'submit') el.disabled = true;
  }
});
addEventListener('pageshow', () => {
  for (const form of document.querySelectorAll('form[data-autosubmit]')) for (const el of form.elements) el.disabled = false;
});

// leaving with typed text: <form data-leave="…">
const mark = (event) => { if (event.target.form?.matches('[data-leave]')) event.target.form.dataset.dirty = '1'; };
document.addEventListener('input', mark);
addEventListener('beforeunload', (event) => {
  if (document.querySelector('form[data-leave][data-dirty]')) event.preventDefault();
});

// a refused form: straight to what is to be put right
document.querySelector('[data-focus]')?.focus({ preventScroll: false });
