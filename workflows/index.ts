// The one place that gathers workflows: what the bundle is made of.
export { breakGlass } from './break-glass.js';
export { followUp } from './follow-up.js';
export { incident } from './incident.js';
export { importHistory } from './import-history.js';
export { job } from './job.js';
export { reattestHosts } from './reattest-hosts.js';
export { reseal } from './reseal.js';
export { reportIncident } from './report-incident.js';
export { review } from './review.js';
export { sweep } from './sweep.js';
export { tool } from './tool.js';
export { unknown as default } from './unknown.js';
