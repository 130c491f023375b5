"""A model taken home: one HTML file that shows it with the page's components and no server.

``page/`` has what stands in for Gradio (``shim.js``) and for the server (``host.js``, the model in
a worker), and a file for each tab. ``document`` puts a file together, ``files`` writes it.
"""
