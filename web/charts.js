// Lines over time as SVG, drawn from the series that the server keeps.
import {bytes, clock, count, make, node, percent} from './dom.js';

const HOUR_MS = 3_600_000, SPAN_MIN_MS = 600_000, HEIGHT = 150, LEFT = 58, RIGHT = 8, TOP = 8, BOTTOM = 20;
const TICKS = 4;

const CHARTS = [
  {
    id: 'rows',
    title: 'Rows per second',
    format: count,
    lines: [{field: 'rows_read', label: 'in', color: 'one'}, {field: 'rows_written', label: 'out', color: 'two'}]
  },
  {id: 'lag-chart', title: 'Lag', format: count, lines: [{field: 'lag', label: 'behind', color: 'one'}]},
  {
    id: 'pressure',
    title: 'Busy and back-pressured',
    format: percent,
    max: 1,
    lines: [
      {field: 'busy', label: 'busiest operator', color: 'busy'},
      {field: 'backpressured', label: 'most back-pressured', color: 'back'}
    ]
  },
  {
    id: 'checkpoint-times',
    title: 'Checkpoint duration',
    format: (ms) => `${count(ms)} ms`,
    lines: [{field: 'checkpoint_ms', label: 'longest', color: 'one', bridged: true}]
  },
  {
    id: 'checkpoint-sizes',
    title: 'State in checkpoints',
    format: bytes,
    binary: true,
    lines: [{field: 'state_bytes', label: 'state', color: 'two', bridged: true}]
  },
];

// ---- series ----

// What the server has kept of a job, and what it adds; an hour of it.
export class Series {
  constructor() {
    this.values = {at_ms: []};
    this.interval = 5000;
  }

  get latest() {
    return this.values.at_ms.at(-1) ?? 0;
  }

  add({interval_ms: interval, ...more}) {
    this.interval = interval;
    for (const [field, values] of Object.entries(more)) {
      const all = (this.values[field] || []).concat(values);
      this.values[field] = all.slice(Math.max(0, all.length - HOUR_MS / interval));
    }
  }

  // Indices of points between which time was lost: the job or the server did not run.
  isGap(index) {
    return index > 0 && this.values.at_ms[index] - this.values.at_ms[index - 1] > 3 * this.interval;
  }
}

// ---- one chart ----

// The least number that is no smaller and whose quarters are short to write.
function ceiling(number, binary) {
  if (number <= TICKS) return TICKS;
  if (binary) return 2 ** Math.ceil(Math.log2(number));
  const power = 10 ** Math.floor(Math.log10(number));
  return [1, 2, 4, 6, 8, 10].map((step) => step * power).find((each) => each >= number * (1 - 1e-9));
}

function spanOf(series) {
  const end = series.latest, begin = series.values.at_ms[0];
  return {begin: end - Math.min(HOUR_MS, Math.max(SPAN_MIN_MS, end - begin)), end};
}

function wayOf(series, line, x, y) {
  const values = series.values[line.field];
  let d = '', open = false;
  values.forEach((value, index) => {
    if (series.isGap(index)) open = false;
    if (value === null) {
      open = open && line.bridged;  // what has a value now and then only
      return;
    }
    const at = `${x(series.values.at_ms[index]).toFixed(1)},${y(value).toFixed(1)}`;
    d += `${open ? 'L' : 'M'}${at}`;
    // A point without neighbours is a dot.
    if (!open) d += 'h0.01';
    open = true;
  });
  return d;
}

function timeTicks({begin, end}) {
  const step = end - begin > HOUR_MS / 2 ? 15 * 60_000 : end - begin > SPAN_MIN_MS ? 5 * 60_000 : 2 * 60_000;
  const ticks = [];
  for (let at = Math.ceil(begin / step) * step; at <= end; at += step) ticks.push(at);
  return ticks;
}

function axes(chart, top, span, width, x, y) {
  const parts = [];
  for (let tick = 0; tick <= TICKS; ++tick) {
    const value = top * tick / TICKS;
    parts.push(
        node('line', {'class': 'grid', x1: LEFT, x2: width - RIGHT, y1: y(value), y2: y(value)}),
        node('text', {x: LEFT - 6, y: y(value) + 4, 'text-anchor': 'end'}, chart.format(value)));
  }
  for (const at of timeTicks(span)) {
    if (x(at) > LEFT + 16 && x(at) < width - RIGHT - 16)
      parts.push(node('text', {x: x(at), y: HEIGHT - 4, 'text-anchor': 'middle'}, clock(at).slice(0, 5)));
  }
  return parts;
}

function restartMarks(series, x) {
  const marks = [];
  series.values.restarts.forEach((restarts, index) => {
    const before = index === 0 || series.isGap(index) ? restarts : series.values.restarts[index - 1];
    if (restarts <= before) return;
    const at = series.values.at_ms[index];
    marks.push(node(
        'line', {'class': 'restart', x1: x(at), x2: x(at), y1: TOP, y2: HEIGHT - BOTTOM},
        node('title', {}, `restarted before ${clock(at)}`)));
  });
  return marks;
}

function largestOf(series, chart) {
  return Math.max(0, ...chart.lines.flatMap((line) => series.values[line.field].filter((each) => each !== null)));
}

function nearest(times, at) {
  let best = 0;
  times.forEach((each, index) => {
    if (Math.abs(each - at) < Math.abs(times[best] - at)) best = index;
  });
  return best;
}

// The values at the point under the pointer, else the newest ones.
function legendOf(chart, series, index) {
  const {values} = series;
  const shown = (line) => {
    let at = index ?? values.at_ms.length - 1;
    while (index === null && line.bridged && at > 0 && values[line.field][at] === null) --at;
    const value = values[line.field][at];
    return value === null || value === undefined ? '–' : chart.format(value);
  };
  return [
    ...chart.lines.map(
        (line) => make('span', {}, make('i', {'class': `fill-${line.color}`}), `${line.label} ${shown(line)}`)),
    index === null ? null : make('span', {}, clock(values.at_ms[index]))
  ].filter((each) => each !== null);
}

function drawing(chart, series, width, legend) {
  const span = spanOf(series), top = chart.max ?? ceiling(largestOf(series, chart), chart.binary);
  const x = (at) => LEFT + (width - LEFT - RIGHT) * (at - span.begin) / (span.end - span.begin);
  const y = (value) => HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * value / top;
  const pointer = node('line', {'class': 'pointer', y1: TOP, y2: HEIGHT - BOTTOM, visibility: 'hidden'});
  const svg = node(
      'svg', {'class': 'chart', width, height: HEIGHT, role: 'img', 'aria-label': chart.title},
      ...axes(chart, top, span, width, x, y), ...restartMarks(series, x),
      ...chart.lines.map((line) => node('path', {'class': `line ${line.color}`, d: wayOf(series, line, x, y)})),
      pointer);
  svg.addEventListener('pointermove', (event) => {
    const at = span.begin + (event.offsetX - LEFT) / (width - LEFT - RIGHT) * (span.end - span.begin);
    const index = nearest(series.values.at_ms, at);
    const place = x(series.values.at_ms[index]);
    for (const side of ['x1', 'x2']) pointer.setAttribute(side, place);
    pointer.setAttribute('visibility', 'visible');
    legend.replaceChildren(...legendOf(chart, series, index));
  });
  svg.addEventListener('pointerleave', () => {
    pointer.setAttribute('visibility', 'hidden');
    legend.replaceChildren(...legendOf(chart, series, null));
  });
  return svg;
}

// ---- all charts of a job ----

export class Charts {
  constructor() {
    this.places = CHARTS.map((chart) => ({
      chart,
      legend: make('div', {'class': 'legend'}),
      drawn: make('div', {'class': 'drawn'}),
    }));
    const figure = ({chart, legend, drawn}) =>
        make('figure', {id: chart.id}, make('figcaption', {}, chart.title), drawn, legend);
    this.element = make('div', {'class': 'charts'}, ...this.places.map(figure));
  }

  show(series) {
    for (const {chart, legend, drawn} of this.places) {
      const known = chart.lines.some((line) => (series.values[line.field] || []).some((value) => value !== null));
      if (!known) {
        drawn.replaceChildren(make('p', {'class': 'quiet'}, 'nothing yet'));
        legend.replaceChildren();
        continue;
      }
      if (drawn.matches(':hover')) continue;  // somebody reads it
      drawn.replaceChildren(drawing(chart, series, Math.max(240, drawn.clientWidth), legend));
      legend.replaceChildren(...legendOf(chart, series, null));
    }
  }
}
