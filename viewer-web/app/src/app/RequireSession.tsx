import { useEffect } from 'react';
import { Navigate, Outlet, useLocation } from 'react-router';
import { whenSignedOut } from '~/api/http';
import { useConnection } from '~/live/changes';
import { LoadFailed, Loading } from '~/ui/LoadState';
import { paths } from './paths';
import { queryClient } from './queryClient';
import { sessionKey, useSession } from './session';
import css from './Shell.module.css';

/** Lets only signed-in people through; the others go to the sign-in page and come back. */
export function RequireSession() {
  const { data: session, isPending, error, refetch } = useSession();
  const location = useLocation();
  const connection = useConnection();
  useEffect(() => whenSignedOut(() => queryClient.setQueryData(sessionKey, null)), []);
  // The stream of changes does not say why it broke: the line may be down, or the session over.
  useEffect(() => {
    if (connection === 'lost') void refetch();
  }, [connection, refetch]);
  if (isPending) return <div className={css.middle}><Loading /></div>;
  // While the line is down the page stays, with what stands in it.
  if (session === undefined) return <div className={css.middle}><LoadFailed error={error} onRetry={() => void refetch()} /></div>;
  if (session === null) return <Navigate to={paths.signIn} replace state={{ from: location.pathname }} />;
  return <Outlet />;
}
