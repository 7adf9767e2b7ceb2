"""What a whole pytest came to, for continuous integration: annotations, and a page in Markdown.

Pure: from what is known of each test to text.
"""
