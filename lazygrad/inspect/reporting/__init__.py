"""A report in the browser: what a plan or a program runs, on one page."""
