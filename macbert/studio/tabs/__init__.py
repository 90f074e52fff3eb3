"""One file a tab: what it finds, as plain functions of text and folders to HTML, and how it is laid out with Gradio."""
