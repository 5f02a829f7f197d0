import { useEffect, useState, type ComponentType } from 'react';
import { Loading } from '~/ui/LoadState';
import { loadedViewer, loadViewer } from './viewerChunk';

/** What has come of the viewer's code. */
type Fetched = { Viewer: ComponentType | null; error?: unknown };

/**
 * The viewer, whose code is fetched when it is needed, or idle. Not by `Suspense`: what that once had to wait for it
 * shows only 300 ms later, a third of the time to the first image.
 */
export function ViewerRoute() {
  const [{ Viewer, error }, setFetched] = useState<Fetched>(() => ({ Viewer: loadedViewer() }));
  useEffect(() => {
    if (Viewer === null) loadViewer().then((fetched) => setFetched({ Viewer: fetched }), (reason: unknown) => setFetched({ Viewer: null, error: reason }));
  }, [Viewer]);
  // For the crash screen, which offers to load the page anew.
  if (error !== undefined) throw error;
  return Viewer === null ? <Loading /> : <Viewer />;
}
