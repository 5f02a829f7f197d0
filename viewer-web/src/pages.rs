//! Which addresses are pages.

/// The addresses that the application knows, as in `app/src/app/paths.ts` (a test compares the two). Each is
/// answered with the same `index.html`; the application looks at the address itself.
pub(crate) const PAGES: &[&str] = &[
    "/",
    "/sign-in",
    "/search",
    "/viewer/{studyUid}",
    "/studies/{studyUid}/corrections",
    "/orders/new",
    "/worklist",
    "/unmatched",
    "/unmatched/rejected",
    "/reconciliation",
    "/patients/{recordId}",
    "/queue",
    "/queue/notices",
    "/queue/archives",
    "/queue/routes",
    "/devices",
    "/storage",
    "/storage/intakes",
];

#[cfg(test)]
mod tests {
    use super::PAGES;

    /// `'/viewer/:studyUid'` of the application is `/viewer/{studyUid}` here.
    fn written_in_the_application() -> Vec<String> {
        let source = include_str!("../app/src/app/paths.ts");
        let (_, after) = source.split_once("export const paths = {").expect("the table of paths");
        let (table, _) = after.split_once("} as const").expect("the end of the table");
        table
            .lines()
            .filter_map(|line| line.split('\'').nth(1))
            .map(|path| {
                let segment = |part: &str| match part.strip_prefix(':') {
                    Some(name) => format!("{{{name}}}"),
                    None => part.to_owned(),
                };
                path.split('/').map(segment).collect::<Vec<_>>().join("/")
            })
            .collect()
    }

    #[test]
    fn the_server_knows_the_same_pages_as_the_application() {
        assert_eq!(written_in_the_application(), PAGES);
    }
}
