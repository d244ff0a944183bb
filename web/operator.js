// What is known of one vertex of a job: its operators, its subtasks, what they read.
import {count, make, percent, rate, table, time} from './dom.js';
import {operatorsOf} from './graph.js';

// How much more the busiest subtask has than the others have on average; null when none has anything.
function skewOf(tasks) {
  const rows = tasks.map((task) => task.rows_in);
  const all = rows.reduce((a, b) => a + b, 0);
  return tasks.length < 2 || all === 0 ? null : Math.max(...rows) / (all / rows.length);
}

function splitsOf(detail, index) {
  const known = (position) => position === undefined ? '' : count(position);
  const rowOf = (split) =>
      [String(split.subtask), known(split.position), known(split.end), count(split.lag), split.split];
  return detail.splits.filter((split) => split.vertex === index).map(rowOf);
}

export function operatorDetails(detail, facts, index) {
  const vertex = detail.vertices[index], now = facts.vertices[index];
  const subtasks = vertex.tasks.map((task, number) => {
    const fact = now.tasks[number];
    return [
      String(task.subtask), count(task.rows_in), rate(fact.in), count(task.rows_out), rate(fact.out),
      percent(fact.busy), percent(fact.back), percent(fact.idle), time(fact.watermark)
    ];
  });
  const skew = skewOf(vertex.tasks);
  const splits = splitsOf(detail, index);
  const edges = (end, other) => detail.edges.filter((edge) => edge[end] === index).map((edge) => {
    const operators = operatorsOf(detail.vertices[edge[other]]);
    return operators.at(other === 'from' ? -1 : 0);
  });
  const around = (label, names) =>
      names.length === 0 ? null : make('span', {}, `${label} `, make('b', {}, names.join(', ')));
  return [
    make('ol', {'class': 'operators'}, ...operatorsOf(vertex).map((name) => make('li', {}, name))),
    make(
        'div', {'class': 'facts'}, around('from', edges('to', 'from')), around('to', edges('from', 'to')),
        skew === null ? null : around('rows of the busiest subtask', [`${skew.toFixed(1)} × the mean`])),
    table(
        ['#subtask', '#rows in', '#in', '#rows out', '#out', '#busy', '#back-pressured', '#idle', 'watermark'],
        subtasks, 'no subtask runs'),
    ...(splits.length > 0 ? [table(['#subtask', '#position', '#end', '#lag', 'split'], splits, '')] : []),
  ];
}
