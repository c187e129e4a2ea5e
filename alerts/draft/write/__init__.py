"""Writers: one neutral report, written as Markdown, HTML, .docx and .odt."""
