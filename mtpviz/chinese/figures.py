"""The words inside the figures, as fragments of their labels: the longest that fits is put first."""

from __future__ import annotations

import re

from mtpviz.chinese.phrases import PHRASES

SHOWN = {"text", "name", "hovertemplate", "ticktext", "x", "y"}  # where a figure keeps words

FRAGMENTS = {
    "depth k of the drafted token": "草稿词元的深度 k",
    "<b>prefix rate</b>  first k drafts all accepted / steps that drafted": (
        "<b>前缀接受率</b>  前 k 个草稿全部接受 / 起草的步"
    ),
    "<b>conditional rate</b>  accepted at k / steps that reached a draft at k": (
        "<b>条件接受率</b>  在 k 处接受 / 走到 k 处草稿的步"
    ),
    "accepted": "接受",
    "drafted tokens accepted in one pass": "一次前向接受的草稿词元数",
    "distinct 4-grams of the text": "文本中不同 4 元组的比例",
    "share of passes": "前向的占比",
    "of steps (n": "的步（n",
    "speedup (×)": "加速比（×）",
    "time (s)": "时间（秒）",
    "time after the first token (ms)": "首个词元之后的时间（毫秒）",
    "time per token (ms)": "每词元的时间（毫秒）",
    "time to the first token (ms)": "首个词元的时间（毫秒）",
    "tokens after the prompt": "提示词之后的词元数",
    "tokens generated": "已生成的词元数",
    "τ, in windows of 16 tokens": "τ，以 16 个词元为窗口",
    "operations a byte read": "每读一字节的运算数",
    "operations a second": "每秒运算数",
    "operations a byte": "运算/字节",
    "of what the memory allows": "为内存所允许的上限",
    "slope: the fastest lane's own reading rate, a lower bound:<br>this trace does not tell the machine's": (
        "斜线：最快泳道自己的读取速率，是下界；<br>此轨迹没有记录机器的数值"
    ),
    "next-token prediction = 1": "逐词元预测 = 1",
    "sequences at once, 2k positions each": "同时生成的序列数，各有 2k 个位置",
    "positions before, one sequence": "此前的位置数，单个序列",
    "passes measured on": "前向实测于",
    "predicted from": "预测依据",
    "data sheet": "数据手册",
    "1 to": "1 至",
    "rows": "行",
    "GB/s, memory read as measured on this machine;<br>a point above it reads its weights from a cache": (
        "GB/s，在这台机器上实测的内存读取速率；<br>高于斜线的点从缓存读取权重"
    ),
    "slope:": "斜线：",
    "roof:": "屋顶：",
    "(loops)": "（重复）",
    "between tokens: median": "词元间隔：中位数",
    "95th percentile": "第 95 百分位",
    "first token after": "首个词元在",
    "no step costs more than a plain one": "没有一步比普通的一步更贵",
    "tokens at once": "个词元同时到达",
    "tokens at": "个词元，于",
    "so far": "至今",
    "from token": "从词元",
    "passes)": "次前向）",
    "tokens": "词元",
    "step": "步",
    "depth": "深度",
    "ideal τ": "理想 τ",
    "measured": "实测",
    "cut": "截去",
    "draft": "起草",
    "verify": "验证",
    "commit": "提交",
    "host": "主机",
}

WORDS = {**PHRASES, **FRAGMENTS}
WORDS_RE = re.compile(
    r"(?<![\w%{])(?:" + "|".join(re.escape(text) for text in sorted(WORDS, key=len, reverse=True)) + r")(?!\w)"
)


def translated(part: object, shown: bool = False) -> object:
    """A figure (as `to_plotly_json` has it) with its words in Chinese, as far as they are known. shown: whether the
    part is text that the reader sees."""
    if isinstance(part, dict):
        return {key: translated(value, shown or key in SHOWN) for key, value in part.items()}
    if isinstance(part, list | tuple):
        return [translated(value, shown) for value in part]
    return WORDS_RE.sub(lambda found: WORDS[found.group()], part) if shown and isinstance(part, str) else part
