"""Models from and to the Hugging Face Hub, in the shape that its own libraries have.

``from_pretrained`` asks ``kinds`` what kind of folder it has before it, so that another library's
models are one more entry there. What is fetched, and how much of it at most, is decided in
``models/checkpoints/fetch.py``; what a repository of ours holds, in ``models/checkpoints``.
"""
