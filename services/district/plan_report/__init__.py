"""The report of the plan as a page, a PDF and a document to go on writing in."""
