/** Where the page is, as the browser sees it. */
export const place = '/loader-page/';
