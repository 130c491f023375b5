"""The look: colours, fonts and spacing. ``shared/page.css`` holds the layout.

One accent colour, system fonts (nothing is fetched), and ten class colours that people who see
colours differently can tell apart.
"""

from __future__ import annotations

import gradio as gr

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

SANS = ["system-ui", "-apple-system", "Segoe UI", "Roboto", "Helvetica Neue", "sans-serif"]
MONO = ["ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "monospace"]


def theme() -> gr.themes.Base:
    """The Gradio theme; give it to ``launch``."""
    base = gr.themes.Base(
        primary_hue=gr.themes.colors.orange,
        neutral_hue=gr.themes.colors.stone,
        radius_size=gr.themes.sizes.radius_sm,
        spacing_size=gr.themes.sizes.spacing_md,
        text_size=gr.themes.sizes.text_md,
        font=SANS,
        font_mono=MONO,
    )
    ink, ink_dark = "#1c1917", "#f5f5f4"
    soft, soft_dark = "#57534e", "#bdb7b0"
    line, line_dark = "#e2dfdb", "#3b3733"
    return base.set(
        body_background_fill="#fdfdfc",
        body_background_fill_dark="#151312",
        body_text_color=ink,
        body_text_color_dark=ink_dark,
        body_text_color_subdued=soft,
        body_text_color_subdued_dark=soft_dark,
        background_fill_primary="#ffffff",
        background_fill_primary_dark="#1d1b19",
        background_fill_secondary="#f6f5f3",
        background_fill_secondary_dark="#24211f",
        block_background_fill="transparent",
        block_background_fill_dark="transparent",
        block_border_width="0px",
        block_border_width_dark="0px",
        block_padding="0px",
        block_shadow="none",
        block_label_text_color=soft,
        block_label_text_color_dark=soft_dark,
        block_title_text_color=ink,
        block_title_text_color_dark=ink_dark,
        block_title_text_weight="500",
        block_info_text_color=soft,
        block_info_text_color_dark=soft_dark,
        border_color_primary=line,
        border_color_primary_dark=line_dark,
        border_color_accent=ACCENT,
        border_color_accent_dark=ACCENT_DARK,
        color_accent=ACCENT,
        color_accent_soft="#fbeee6",
        color_accent_soft_dark="#3a2416",
        link_text_color=ACCENT,
        link_text_color_dark=ACCENT_DARK,
        slider_color=ACCENT,
        slider_color_dark=ACCENT_DARK,
        input_background_fill="#ffffff",
        input_background_fill_dark="#1d1b19",
        input_border_color="#8a847d",
        input_border_color_dark="#79726b",
        input_border_width="1px",
        input_padding="7px 10px",
        input_placeholder_color=soft,
        input_placeholder_color_dark=soft_dark,
        button_primary_background_fill=ACCENT,
        button_primary_background_fill_hover="#963408",
        button_primary_background_fill_dark=ACCENT_DARK,
        button_primary_background_fill_hover_dark="#ffb27f",
        button_primary_text_color="#ffffff",
        button_primary_text_color_dark="#1c1208",
        button_primary_border_color=ACCENT,
        button_primary_border_color_dark=ACCENT_DARK,
        button_secondary_background_fill="#ffffff",
        button_secondary_background_fill_dark="#24211f",
        button_secondary_background_fill_hover="#f3f1ee",
        button_secondary_background_fill_hover_dark="#302c29",
        button_secondary_text_color=ink,
        button_secondary_text_color_dark=ink_dark,
        button_secondary_border_color="#bdb7b0",
        button_secondary_border_color_dark="#57514b",
        button_border_width="1px",
        button_border_width_dark="1px",
        button_large_text_weight="600",
        layout_gap="14px",
    )
