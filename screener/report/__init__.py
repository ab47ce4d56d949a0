"""Forms in which screening results are shown, one module a form.

`words` holds what the forms have in common: wording, order and grouping. The forms themselves
only lay it out. All of them read `ScreeningResult` and nothing else.
"""
