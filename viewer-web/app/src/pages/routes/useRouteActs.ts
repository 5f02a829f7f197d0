import { useQueryClient } from '@tanstack/react-query';
import { server } from '~/api/server';
import type { Route } from '~/api/transferTypes';
import type { Words } from '~/ui/UndoBar';
import { useSteps, type Step } from '~/ui/useSteps';

/** Stops, starts and removes rules. What is taken back is that alone, whatever else has become of the rule since. */
export function useRouteActs() {
  const client = useQueryClient();
  const { take, busy, done, close } = useSteps(() => client.invalidateQueries({ queryKey: ['routes'] }));
  const conflict: Words = (t) => t('routes.conflict');
  const enable = ({ name }: Route, isEnabled: boolean): Step => ({
    run: () => server.enableRoute(name, isEnabled), text: (t) => t(isEnabled ? 'routes.started' : 'routes.stopped', { name }), conflict,
  });
  const toggle = (row: Route): Step => {
    const step = enable(row, !row.isEnabled);
    return { ...step, run: () => step.run().then(() => enable(row, row.isEnabled)) };
  };
  const restore = (row: Route): Step => ({ run: () => server.addRoute(row).then(() => undefined), text: (t) => t('routes.restored', { name: row.name }), conflict });
  const remove = (row: Route): Step => ({ run: () => server.removeRoute(row.name).then(() => restore(row)), text: (t) => t('routes.removed', { name: row.name }), conflict });
  return { toggle: (row: Route) => take(toggle(row)), remove: (row: Route) => take(remove(row)), busy, done, close };
}
