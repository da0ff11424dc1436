import weasyprint
doc = weasyprint.HTML(string="<p style='font-family: Liberation Serif'>Hello <b style='font-family: DejaVu Sans'>world</b>").write_pdf(uncompressed_pdf=True)
print(b"Liberation" in doc, b"DejaVu" in doc, len(doc) > 1000)
