// htmx: the CSRF token goes along, failures are told in words, charts in new parts are drawn.
import { complain } from './toasts.js';

const token = document.querySelector('meta[name="csrf-token"]')?.content;

document.addEventListener('htmx:configRequest', (event) => {
  if (token && event.detail.verb !== 'get') event.detail.headers['X-CSRFToken'] = token;
});
for (const name of ['htmx:responseError', 'htmx:sendError', 'htmx:timeout']) {
  document.addEventListener(name, (event) => {
    const answer = event.detail.xhr?.responseText || '';
    const words = answer ? new DOMParser().parseFromString(answer, 'text/html').querySelector('.td-note')?.textContent.trim().replace(/\s+/g, ' ') : '';
    complain(words);
  });
}
