"""The look: colours, fonts and spacing. ``shared/page.css`` holds the layout.

One accent colour, system fonts (nothing is fetched), and ten class colours that people who see
colours differently can tell apart.
"""

from __future__ import annotations

import gradio as gr
from gradio.themes.utils.sizes import Size

# Petroff 2021 (arXiv:2107.02270), ten colours chosen for colour-vision deficiency on a light and
# on a dark ground. Class k has colour k on every tab.
PALETTE = (
    "#3f90da",
    "#ffa90e",
    "#bd1f01",
    "#94a4a2",
    "#832db6",
    "#a96b59",
    "#e76300",
    "#b9ac70",
    "#717581",
    "#92dadd",
)
# Cividis (Nunez, Anderton and Renslow 2018): as bright as it is large, also to people who see
# colours differently.
CIVIDIS = (
    "#00224e", "#123570", "#3b496c", "#575d6d", "#707173",
    "#8a8678", "#a59c74", "#c3b369", "#e1cc55", "#fee838",
)  # fmt: skip

ACCENT = "#b4400c"
ACCENT_DARK = "#ff9a57"

INK, INK_DARK = "#1c1917", "#f5f5f4"
SOFT, SOFT_DARK = "#57534e", "#bdb7b0"
LINE, LINE_DARK = "#e2dfdb", "#3b3733"
COLOURS = {  # in the light, in the dark
    "body_background_fill": ("#fdfdfc", "#151312"),
    "body_text_color": (INK, INK_DARK),
    "body_text_color_subdued": (SOFT, SOFT_DARK),
    "background_fill_primary": ("#ffffff", "#1d1b19"),
    "background_fill_secondary": ("#f6f5f3", "#24211f"),
    "block_background_fill": ("transparent", "transparent"),
    "block_border_width": ("0px", "0px"),
    "block_label_text_color": (SOFT, SOFT_DARK),
    "block_title_text_color": (INK, INK_DARK),
    "block_info_text_color": (SOFT, SOFT_DARK),
    "border_color_primary": (LINE, LINE_DARK),
    "border_color_accent": (ACCENT, ACCENT_DARK),
    "color_accent_soft": ("#fbeee6", "#3a2416"),
    "link_text_color": (ACCENT, ACCENT_DARK),
    "slider_color": (ACCENT, ACCENT_DARK),
    "input_background_fill": ("#ffffff", "#1d1b19"),
    "input_border_color": ("#8a847d", "#79726b"),
    "input_placeholder_color": (SOFT, SOFT_DARK),
    "button_primary_background_fill": (ACCENT, ACCENT_DARK),
    "button_primary_background_fill_hover": ("#963408", "#ffb27f"),
    "button_primary_text_color": ("#ffffff", "#1c1208"),
    "button_primary_border_color": (ACCENT, ACCENT_DARK),
    "button_secondary_background_fill": ("#ffffff", "#24211f"),
    "button_secondary_background_fill_hover": ("#f3f1ee", "#302c29"),
    "button_secondary_text_color": (INK, INK_DARK),
    "button_secondary_border_color": ("#bdb7b0", "#57514b"),
    "button_border_width": ("1px", "1px"),
}

# In rem, so that all text grows with the screen (``html`` in shared/page.css).
TEXT = Size(
    name="text_rem",
    xxs="0.8125rem",
    xs="0.8125rem",
    sm="0.8125rem",
    md="0.875rem",
    lg="1rem",
    xl="1.375rem",
    xxl="1.625rem",
)
SANS = ["system-ui", "-apple-system", "Segoe UI", "Roboto", "Helvetica Neue", "sans-serif"]
MONO = ["ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "monospace"]


def theme() -> gr.themes.Base:
    """The Gradio theme; give it to ``launch``."""
    base = gr.themes.Base(
        primary_hue=gr.themes.colors.orange,
        neutral_hue=gr.themes.colors.stone,
        radius_size=gr.themes.sizes.radius_sm,
        spacing_size=gr.themes.sizes.spacing_md,
        text_size=TEXT,
        font=SANS,
        font_mono=MONO,
    )
    return base.set(
        **{name: light for name, (light, _) in COLOURS.items()},
        **{f"{name}_dark": dark for name, (_, dark) in COLOURS.items()},
        block_padding="0px",
        block_shadow="none",
        block_title_text_weight="500",
        color_accent=ACCENT,
        input_border_width="1px",
        input_padding="7px 10px",
        button_large_text_weight="600",
        layout_gap="14px",
    )


def variables() -> str:
    """The colours as a style sheet, for a page without Gradio: light, and in ``.dark`` dark."""

    def rules(selector: str, which: int) -> str:
        accent = (ACCENT, ACCENT_DARK)[which]
        lines = {"color-accent": accent} | {
            name.replace("_", "-"): both[which] for name, both in COLOURS.items()
        }
        return f"{selector} {{ {' '.join(f'--{k}: {v};' for k, v in lines.items())} }}\n"

    return rules("body", 0) + rules("body.dark", 1)
