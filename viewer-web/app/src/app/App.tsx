import { MantineProvider } from '@mantine/core';
import { QueryClientProvider } from '@tanstack/react-query';
import { BrowserRouter, Navigate, Route, Routes } from 'react-router';
import { ArchivesPage } from '~/pages/archives/ArchivesPage';
import { CorrectionsPage } from '~/pages/corrections/CorrectionsPage';
import { DevicesPage } from '~/pages/devices/DevicesPage';
import { IntakesPage } from '~/pages/intakes/IntakesPage';
import { NotFoundPage } from '~/pages/NotFoundPage';
import { NoticesPage } from '~/pages/notices/NoticesPage';
import { OrderPage } from '~/pages/order/OrderPage';
import { ReconciliationPage } from '~/pages/reconciliation/ReconciliationPage';
import { RecordPage } from '~/pages/record/RecordPage';
import { QueuePage } from '~/pages/queue/QueuePage';
import { RoutesPage } from '~/pages/routes/RoutesPage';
import { SearchPage } from '~/pages/search/SearchPage';
import { SignInPage } from '~/pages/signin/SignInPage';
import { StoragePage } from '~/pages/storage/StoragePage';
import { RejectedPage } from '~/pages/unmatched/RejectedPage';
import { UnmatchedPage } from '~/pages/unmatched/UnmatchedPage';
import { WorklistPage } from '~/pages/worklist/WorklistPage';
import { CrashScreen } from './CrashScreen';
import { paths } from './paths';
import { queryClient } from './queryClient';
import { RequireSession } from './RequireSession';
import { Shell } from './Shell';
import { theme } from './theme';
import { ViewerRoute } from './ViewerRoute';

/** The pages behind their providers. */
export function App() {
  return (
    <MantineProvider theme={theme} forceColorScheme="dark">
      <CrashScreen>
        <QueryClientProvider client={queryClient}>
          {/* Not as transitions: while images load, the viewer's urgent updates would hold back the way out of it. */}
          <BrowserRouter useTransitions={false}>
            <Routes>
              <Route path={paths.signIn} element={<SignInPage />} />
              <Route element={<RequireSession />}>
                <Route path={paths.viewer} element={<ViewerRoute />} />
                <Route element={<Shell />}>
                  <Route path={paths.home} element={<Navigate to={paths.search} replace />} />
                  <Route path={paths.search} element={<SearchPage />} />
                  <Route path={paths.worklist} element={<WorklistPage />} />
                  <Route path={paths.corrections} element={<CorrectionsPage />} />
                  <Route path={paths.order} element={<OrderPage />} />
                  <Route path={paths.unmatched} element={<UnmatchedPage />} />
                  <Route path={paths.rejected} element={<RejectedPage />} />
                  <Route path={paths.reconciliation} element={<ReconciliationPage />} />
                  <Route path={paths.record} element={<RecordPage />} />
                  <Route path={paths.queue} element={<QueuePage />} />
                  <Route path={paths.notices} element={<NoticesPage />} />
                  <Route path={paths.archives} element={<ArchivesPage />} />
                  <Route path={paths.routes} element={<RoutesPage />} />
                  <Route path={paths.devices} element={<DevicesPage />} />
                  <Route path={paths.storage} element={<StoragePage />} />
                  <Route path={paths.intakes} element={<IntakesPage />} />
                  <Route path="*" element={<NotFoundPage />} />
                </Route>
              </Route>
            </Routes>
          </BrowserRouter>
        </QueryClientProvider>
      </CrashScreen>
    </MantineProvider>
  );
}
