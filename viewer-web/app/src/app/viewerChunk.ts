/** Fetches the viewer's code. Lists call this while idle, so that the first image does not wait for it. */
export async function loadViewer() {
  const { ViewerPage } = await import('~/pages/viewer/ViewerPage');
  return { default: ViewerPage };
}
