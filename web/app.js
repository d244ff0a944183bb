// The page of `slipstream serve`: everything it shows comes from /api/v1.
import {call, errorText, whenTokenIsGiven} from './api.js';
import {clusterPage, topicPage} from './cluster.js';
import {bytes, byId, duration, make, setText} from './dom.js';
import {jobPage} from './job.js';
import {jobsPage} from './jobs.js';
import {newJobPage, queryPage} from './scripts.js';

const POLL_MS = 1000;

// A page is {elements, title, poll, leave}: poll() asks the server and shows what it says, title() is that of the tab,
// leave() ends what the page has begun, resize() draws what depends on the width. All but elements may be missing.
let page = {elements: []};

function pageOf(kind, name) {
  if (kind === 'jobs' && name) return jobPage(decodeURIComponent(name));
  if (kind === 'cluster') return name ? topicPage(decodeURIComponent(name)) : clusterPage();
  if (kind === 'query') return queryPage();
  return kind === 'new' ? newJobPage() : jobsPage();
}

let routes = 0;
async function route() {
  const mine = ++routes;
  if (page.leave) page.leave();
  const [, kind, name] = location.hash.split('/');
  let next;
  try {
    next = await pageOf(kind, name);
  } catch (error) {
    next = {elements: [make('section', {}, make('p', {'class': 'error'}, errorText(error)))]};
  }
  if (mine !== routes) return;  // a later one was quicker
  page = next;
  byId('main').replaceChildren(...page.elements);
  for (const link of document.querySelectorAll('nav a'))
    link.classList.toggle('chosen', link.hash === (location.hash || '#/'));
  showTitle();
  poll();
}

function showTitle() {
  const title = page.title ? page.title() : '';
  document.title = title ? `${title} · Slipstream` : 'Slipstream';
}

function showStatus(status) {
  const memory = `memory ${bytes(status.memory_used_bytes)} of ${bytes(status.memory_limit_bytes)}`;
  setText(
      byId('status'), `${status.version} · ${status.running_jobs} of ${status.jobs} jobs run · ${memory} · ` +
          `up ${duration(status.uptime_ms)}`);
}

let polling = false;
async function poll() {
  if (polling || document.hidden) return;
  polling = true;
  const shown = page;
  try {
    showStatus(await call('GET', '/api/v1/status'));
    if (shown.poll) await shown.poll();
    if (shown === page) showTitle();
  } catch (error) {
    setText(byId('status'), error.message || String(error));
  }
  polling = false;
  if (shown !== page) poll();
}

whenTokenIsGiven(route);
window.addEventListener('hashchange', route);
window.addEventListener('resize', () => page.resize && page.resize());
document.addEventListener('visibilitychange', poll);
setInterval(poll, POLL_MS);
route();
