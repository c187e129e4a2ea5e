"""Read back drafts that people edited as .docx."""
