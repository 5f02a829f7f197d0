/** What each role finds on the pages. The server decides; this only leaves out what it would refuse. */

/** Acts that pages offer. */
export type Right = 'storeImages' | 'manageOrders' | 'matchImages' | 'correctImages' | 'rejectImages' | 'reconcile' | 'sendImages' | 'seeDevices' | 'manageDevices';

const rights: Record<string, readonly Right[]> = {
  administrator: ['storeImages', 'manageOrders', 'matchImages', 'correctImages', 'rejectImages', 'reconcile', 'sendImages', 'seeDevices', 'manageDevices'],
  radiologist: ['storeImages', 'manageOrders', 'matchImages', 'correctImages', 'rejectImages', 'reconcile', 'sendImages', 'seeDevices'],
  radiographer: ['storeImages', 'manageOrders', 'matchImages', 'correctImages', 'rejectImages', 'reconcile', 'sendImages', 'seeDevices'],
  clerk: ['manageOrders', 'reconcile'],
  clinician: ['manageOrders'],
};

/** Whether a role is offered an act. */
export function offers(role: string | undefined, right: Right): boolean {
  return rights[role ?? '']?.includes(right) ?? false;
}
