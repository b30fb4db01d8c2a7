// Charts: options come as plain JSON beside the element. "@accent" stands for a token's colour; a data item (or a link or
// node of a Sankey) with href opens its rows. Size by CSS class, tooltips as text on the canvas: strict CSP holds.
const script = (src) => new Promise((done, failed) => {
  if (window.echarts) { done(); return; }
  const el = document.createElement('script');
  el.src = src;
  el.onload = done;
  el.onerror = failed;
  document.head.append(el);
});

const probe = document.createElement('i');
probe.hidden = true;
document.body.append(probe);
// a token holds light-dark(…): only a computed colour tells which
const token = (name) => { probe.style.color = `var(--td-${name})`; return getComputedStyle(probe).color; };

function paint(value) {
  if (typeof value === 'string') return value.startsWith('@') ? token(value.slice(1)) : value;
  if (Array.isArray(value)) return value.map(paint);
  if (value && typeof value === 'object') return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, paint(inner)]));
  return value;
}

const each = (value, change) => (Array.isArray(value) ? value.map(change) : value ? [change(value)] : undefined);

function dress(options) {
  const font = { fontFamily: getComputedStyle(document.body).fontFamily, fontSize: 12 };
  const quiet = { color: token('ink-3'), ...font };
  const axis = (own) => ({
    ...own,
    axisTick: { show: false, ...own.axisTick },
    axisLine: { lineStyle: { color: token('control') }, ...own.axisLine },
    axisLabel: { ...quiet, ...own.axisLabel },
    nameTextStyle: { ...quiet, ...own.nameTextStyle },
    splitLine: { lineStyle: { color: token('line') }, ...own.splitLine },
  });
  const told = {
    renderMode: 'richText', confine: true, backgroundColor: token('overlay'), borderWidth: 0,
    textStyle: { color: '#fff', fontSize: 12 }, ...options.tooltip,
  };
  return {
    color: ['accent', 'data-2', 'data-3'].map(token),
    animation: false,
    grid: { left: 4, right: 24, top: 24, bottom: 4, containLabel: true },
    ...options,
    textStyle: { ...quiet, ...options.textStyle },
    tooltip: told,
    xAxis: each(options.xAxis, axis),
    yAxis: each(options.yAxis, axis),
    series: (options.series || []).map((series) => ({
      animation: false,
      cursor: 'pointer',
      ...series,
      label: { color: token('ink-2'), ...font, textBorderWidth: 0, ...series.label },
      ...(series.type === 'sankey' ? {
        left: 4,
        right: 88,
        layoutIterations: 0, // keeps the order of the data: the same stage at the same height every year
        labelLayout: { hideOverlap: true },
        ...series,
        label: { color: token('ink-2'), ...font, textBorderWidth: 0, ...series.label },
        lineStyle: { color: token('data-2'), opacity: 0.35, ...series.lineStyle },
        itemStyle: { borderWidth: 0, ...series.itemStyle },
        emphasis: { focus: 'adjacency', ...series.emphasis },
      } : {}),
    })),
  };
}

function show(el) {
  const source = document.getElementById(el.dataset.chart);
  if (!source || !el.clientWidth) return;
  const lang = document.documentElement.lang.startsWith('zh') ? 'ZH' : 'EN';
  let chart = window.echarts.getInstanceByDom(el);
  if (!chart) {
    chart = window.echarts.init(el, null, { locale: lang });
    chart.on('click', (mark) => { if (mark.data?.href) location.assign(mark.data.href); });
    new ResizeObserver(() => chart.resize()).observe(el);
  }
  chart.setOption(dress(paint(JSON.parse(source.textContent))), true);
}

const all = () => document.querySelectorAll('[data-chart]');
let ready = null;

export async function draw() {
  ready ||= script(document.querySelector('meta[name="tidui-echarts"]').content);
  await ready;
  all().forEach(show);
}
document.addEventListener('tidui:theme', () => { if (window.echarts) all().forEach(show); });
