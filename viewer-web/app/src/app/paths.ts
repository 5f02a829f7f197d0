/** Where each page is. The server serves index.html for these and for nothing else. */
export const paths = {
  home: '/',
  signIn: '/sign-in',
  search: '/search',
  viewer: '/viewer/:studyUid',
  corrections: '/studies/:studyUid/corrections',
  order: '/orders/new',
  worklist: '/worklist',
  unmatched: '/unmatched',
  rejected: '/unmatched/rejected',
  reconciliation: '/reconciliation',
  record: '/patients/:recordId',
  queue: '/queue',
  notices: '/queue/notices',
  archives: '/queue/archives',
  routes: '/queue/routes',
  devices: '/devices',
  storage: '/storage',
  intakes: '/storage/intakes',
} as const;

/** The address of one patient's imaging record. */
export function recordPath(recordId: number): string {
  return paths.record.replace(':recordId', String(recordId));
}

/** The viewer's address for one study. */
export function viewerPath(studyUid: string): string {
  return paths.viewer.replace(':studyUid', encodeURIComponent(studyUid));
}

/** Where an exam is corrected. */
export function correctionsPath(studyUid: string): string {
  return paths.corrections.replace(':studyUid', encodeURIComponent(studyUid));
}
