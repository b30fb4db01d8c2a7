// Light, dark or as the system has it. A cookie tells the server (no flash); other open tabs follow by localStorage.
// The rail's width is remembered the same way.
const root = document.documentElement;
const remember = (name, value) => {
  const age = value ? 31536000 : 0;
  document.cookie = `${name}=${value}; path=/; max-age=${age}; samesite=lax`;
};

function show(theme) {
  if (theme === 'light' || theme === 'dark') root.dataset.bsTheme = theme;
  else delete root.dataset.bsTheme;
  for (const choice of document.querySelectorAll('[data-theme-choice]')) choice.checked = choice.value === (theme || 'auto');
  document.dispatchEvent(new CustomEvent('tidui:theme'));
}

function choose(theme) {
  const value = theme === 'auto' ? '' : theme;
  remember('tidui_theme', value);
  try { localStorage.setItem('tidui_theme', value); } catch { /* private window */ }
  show(value);
}

const isDark = () => (root.dataset.bsTheme ? root.dataset.bsTheme === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches);

document.addEventListener('click', (event) => {
  if (event.target.closest('[data-theme-toggle]')) choose(isDark() ? 'light' : 'dark');
  if (event.target.closest('[data-rail-toggle]')) {
    const narrow = root.dataset.rail !== 'narrow';
    if (narrow) root.dataset.rail = 'narrow'; else delete root.dataset.rail;
    remember('tidui_rail', narrow ? 'narrow' : '');
  }
});
document.addEventListener('change', (event) => {
  if (event.target.matches('[data-theme-choice]')) choose(event.target.value);
});
addEventListener('storage', (event) => { if (event.key === 'tidui_theme') show(event.newValue); });
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => document.dispatchEvent(new CustomEvent('tidui:theme')));
