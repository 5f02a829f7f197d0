import { useEffect } from 'react';
import { Navigate, Outlet, useLocation } from 'react-router';
import { whenSignedOut } from '~/api/http';
import { LoadFailed, Loading } from '~/ui/LoadState';
import { paths } from './paths';
import { queryClient } from './queryClient';
import { sessionKey, useSession } from './session';
import css from './Shell.module.css';

/** Lets only signed-in people through; the others go to the sign-in page and come back. */
export function RequireSession() {
  const session = useSession();
  const location = useLocation();
  useEffect(() => whenSignedOut(() => queryClient.setQueryData(sessionKey, null)), []);
  if (session.isPending) return <div className={css.middle}><Loading /></div>;
  if (session.isError) {
    return <div className={css.middle}><LoadFailed error={session.error} onRetry={() => void session.refetch()} /></div>;
  }
  if (session.data === null) return <Navigate to={paths.signIn} replace state={{ from: location.pathname }} />;
  return <Outlet />;
}
