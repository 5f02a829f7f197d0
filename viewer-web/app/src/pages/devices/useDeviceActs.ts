import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { server } from '~/api/server';
import type { Device, DeviceForm, Stranger } from '~/api/types';
import type { Done } from '~/ui/UndoBar';
import { useSteps, type Step } from '~/ui/useSteps';

/** What a device is saved as. */
interface Saved {
  aeTitle: string;
  form: DeviceForm;
  isNew: boolean;
}

/** Adds, changes and removes devices; what was removed can be had back. */
export function useDeviceActs() {
  const client = useQueryClient();
  const [saved, setSaved] = useState<Done | null>(null);
  const refresh = (): Promise<void> => client.invalidateQueries({ queryKey: ['devices'] });
  const steps = useSteps(refresh);
  const save = useMutation({
    mutationFn: ({ aeTitle, form, isNew }: Saved) => (isNew ? server.addDevice(aeTitle, form) : server.changeDevice(aeTitle, form)),
    // It is called saved once the list shows it, so that whoever reads this can go on with it.
    onSuccess: async (_, { aeTitle, isNew }) => {
      await refresh();
      steps.close();
      setSaved({ text: (t) => t(isNew ? 'devices.added' : 'devices.changed', { ae: aeTitle }), undo: null });
    },
  });
  const take = (step: Step): void => {
    setSaved(null);
    steps.take(step);
  };
  const restore = ({ aeTitle, ...form }: Device): Step => ({
    run: () => server.addDevice(aeTitle, form).then(() => undefined), text: (t) => t('devices.added', { ae: aeTitle }), conflict: (t) => t('devices.taken'),
  });
  const remove = (device: Device): Step => ({
    run: () => server.removeDevice(device.aeTitle).then(() => restore(device)), text: (t) => t('devices.removed', { ae: device.aeTitle }), conflict: (t) => t('error.conflict'),
  });
  const forget = (stranger: Stranger): Step => ({ run: () => server.forgetFailures(stranger), text: (t) => t('devices.forgotten'), conflict: (t) => t('error.conflict') });
  return {
    save,
    remove: (device: Device) => take(remove(device)),
    forget: (stranger: Stranger) => take(forget(stranger)),
    busy: steps.busy,
    done: steps.done ?? saved,
    close: () => {
      setSaved(null);
      steps.close();
    },
  };
}
