"""The console over HTTP: the API, and who may do what with it; the page is `page`."""
