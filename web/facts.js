// What vertices, tasks and edges of a job do now: differences between two reports of it.
import {sum} from './dom.js';

const SPENT = ['busy_ms', 'idle_ms', 'backpressured_ms'];

function comparable(detail, before) {
  return before && before.started_ms === detail.started_ms && before.restarts === detail.restarts &&
      before.edges.length === detail.edges.length && before.vertices.length === detail.vertices.length &&
      before.seen_ms < detail.seen_ms;
}

function sharesOf(tasks, then) {
  const spent = (field) => sum(tasks, field) - sum(then, field);
  const whole = SPENT.reduce((all, field) => all + spent(field), 0);
  const share = (field) => whole > 0 ? Math.min(1, Math.max(0, spent(field) / whole)) : 0;
  return {busy: share('busy_ms'), back: share('backpressured_ms'), idle: share('idle_ms')};
}

// Least of all tasks that have one.
function leastWatermark(tasks) {
  const all = tasks.map((task) => task.watermark_ms).filter((each) => each !== null);
  return all.length === 0 ? null : Math.min(...all);
}

// {vertices: [{in, out, busy, back, idle, watermark, tasks: [likewise]}], edges: [{rate, fill, watermark}]}; rates are
// per second, null when there is nothing to compare with; watermarks are times or null.
export function factsOf(detail, previous) {
  const before = comparable(detail, previous) ? previous : null;
  const seconds = before ? (detail.seen_ms - before.seen_ms) / 1000 : 0;
  const rate = (now, then) => before ? Math.max(0, now - then) / seconds : null;
  const factsOfTasks = (tasks, then) => ({
    in : rate(sum(tasks, 'rows_in'), sum(then, 'rows_in')),
    out: rate(sum(tasks, 'rows_out'), sum(then, 'rows_out')),
    watermark: leastWatermark(tasks),
    ...sharesOf(tasks, then),
  });
  const vertices = detail.vertices.map((vertex, index) => {
    const then = before ? before.vertices[index].tasks : [];
    return {
      ...factsOfTasks(vertex.tasks, then),
      tasks: vertex.tasks.map((task, number) => factsOfTasks([task], then[number] ? [then[number]] : [])),
    };
  });
  const edges = detail.edges.map((edge, index) => ({
    rate: rate(edge.rows, before ? before.edges[index].rows : 0),
    fill: edge.queued_bytes_max > 0 ? Math.min(1, edge.queued_bytes / edge.queued_bytes_max) : 0,
    watermark: edge.watermark_ms,
  }));
  return {vertices, edges};
}
