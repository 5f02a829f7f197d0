import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { server } from '~/api/server';
import type { Device, DeviceForm } from '~/api/types';
import type { Done } from '~/ui/UndoBar';
import { useProblemText } from '~/ui/useProblemText';

/** What a device is saved as. */
interface Saved {
  aeTitle: string;
  form: DeviceForm;
  isNew: boolean;
}

/** Adds, changes and removes devices; what was removed can be had back. */
export function useDeviceActs(onSaved: (aeTitle: string) => void) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const [done, setDone] = useState<Done | null>(null);
  const refresh = (): Promise<void> => client.invalidateQueries({ queryKey: ['devices'] });
  const save = useMutation({
    mutationFn: ({ aeTitle, form, isNew }: Saved) => (isNew ? server.addDevice(aeTitle, form) : server.changeDevice(aeTitle, form)),
    // It is called saved once the list shows it, so that whoever reads this can go on with it.
    onSuccess: async (_, { aeTitle, isNew }) => {
      await refresh();
      setDone({ text: t(isNew ? 'devices.added' : 'devices.changed', { ae: aeTitle }), undo: null });
      onSaved(aeTitle);
    },
  });
  const restore = useMutation({
    mutationFn: ({ aeTitle, ...form }: Device) => server.addDevice(aeTitle, form),
    onSuccess: async (_, { aeTitle }) => {
      await refresh();
      setDone({ text: t('devices.added', { ae: aeTitle }), undo: null });
    },
  });
  const remove = useMutation({
    mutationFn: (device: Device) => server.removeDevice(device.aeTitle),
    onSuccess: async (_, device) => {
      const undo = (): void => {
        setDone(null);
        restore.mutate(device);
      };
      await refresh();
      setDone({ text: t('devices.removed', { ae: device.aeTitle }), undo });
    },
  });
  const forget = useMutation({
    mutationFn: (aeTitle: string) => server.forgetFailures(aeTitle),
    onSuccess: async () => {
      await refresh();
      setDone({ text: t('devices.forgotten'), undo: null });
    },
  });
  const failure = remove.error ?? restore.error ?? forget.error;
  const why = useProblemText(failure);
  return {
    save,
    remove: (device: Device) => remove.mutate(device),
    forget: (aeTitle: string) => forget.mutate(aeTitle),
    done: failure ? { text: why, undo: null, failed: true } : done,
    close: () => {
      setDone(null);
      remove.reset();
      restore.reset();
      forget.reset();
    },
  };
}
