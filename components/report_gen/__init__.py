"""ReportGen: the page from which a reviewer decides whether a model may go live."""
