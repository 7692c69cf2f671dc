"""Parts of reports: HTML, charts and Markdown."""
