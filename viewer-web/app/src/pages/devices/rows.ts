/** The rows of the page: devices, and after them those that were refused and are none. */
import type { AssociationFailure, Device, Devices, Stranger } from '~/api/types';

/** A row. */
export type Row = { is: 'device'; device: Device } | { is: 'stranger'; stranger: Stranger };

/** What a row is known by: two strangers may have called themselves nothing, and one may call and be called. */
export function keyOf(row: Row): string {
  return row.is === 'device' ? `device:${row.device.aeTitle}` : `stranger:${row.stranger.aeTitle}${row.stranger.lastFailure.outgoing ? '<' : '@'}${row.stranger.lastFailure.peer}`;
}

/** The AE title of a row; empty when it never said it. */
export function titleOf(row: Row): string {
  return row.is === 'device' ? row.device.aeTitle : row.stranger.aeTitle;
}

/** Its last failure. */
export function failureOf(row: Row): AssociationFailure | null {
  return row.is === 'device' ? row.device.lastFailure : row.stranger.lastFailure;
}

/** All rows. */
export function rowsOf(devices: Devices): Row[] {
  return [
    ...devices.items.map((device): Row => ({ is: 'device', device })),
    ...devices.strangers.map((stranger): Row => ({ is: 'stranger', stranger })),
  ];
}
