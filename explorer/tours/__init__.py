"""Tours: lectures that operate the page, one file of records each.

A tour is data: ``LECTURE.toml`` is a list of stations, each a state of the page (an address of its
own), what to look at, what to do, a question before and the answer after it, with the numbers that
the page has just computed. ``records`` reads such a file and says what is wrong with it,
``conditions`` understands its claims, ``library`` has the lectures, ``player`` puts them on the
page. The browser's part is ``explorer/components/tour``. Nothing of a record is ever evaluated as
code, so a tour may come from anywhere.
"""
