/** The workflows a control worker serves. */
export { acknowledge } from './acknowledge.ts';
export { blastRadius } from './blast-radius.ts';
export { emergencyStop } from './emergency-stop.ts';
export { experiment } from './experiment.ts';
export { gameDay } from './game-day.ts';
export { janitor } from './janitor.ts';
export { lease } from './lease.ts';
export { notices } from './notices.ts';
export { plan } from './plan.ts';
export { program } from './program.ts';
