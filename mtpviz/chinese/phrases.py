"""What other rooms say in English, by that English text: strategies, example prompts, figures. A text that is not here
stays English.
"""

from __future__ import annotations

PHRASES = {
    # other engines
    "transformers generate": "transformers generate",
    "another engine: one token a pass": "另一引擎：一次前向，一个词元",
    "transformers assisted": "transformers 辅助生成",
    "another engine, with the draft model": "另一引擎，使用草稿模型",
    "transformers lookup": "transformers 提示查找",
    "another engine, with n-grams of the text": "另一引擎，使用文本中的 n-gram",
    # files of other programs
    "vLLM's file tells how many drafts each pass made and accepted, but not their tokens: ? stands for a token that is"
    " not told.": "vLLM 的文件只说明每次前向起草并接受了几个草稿，没有说明是哪些词元：? 代表未说明的词元。",
    "Its passes' own times are not in it: they share the whole time evenly.": (
        "其中没有各次前向的时间：总时间平均分给它们。"
    ),
    "It tells no times: each pass is drawn as one millisecond, and no speed may be read from that.": (
        "文件没有时间：每次前向画作一毫秒，不能据此读出速度。"
    ),
    "Passes that drafted nothing are not in its lists: as many as the length needs stand at the end.": (
        "没有起草的前向不在列表中：按长度所需的次数放在末尾。"
    ),
    "Spec-Bench's file tells how many tokens each pass wrote, but neither which nor how many were drafted: ? stands"
    " for a token, and rejected drafts cannot be shown.": (
        "Spec-Bench 的文件说明每次前向写出几个词元，但没有说明是哪些，也没有说明起草了几个："
        "? 代表一个词元，被拒绝的草稿无法显示。"
    ),
    "It tells the time of a whole answer, prompt and all: its passes share it evenly.": (
        "文件给出整个回答（含提示词）的时间：各次前向平均分摊。"
    ),
    # strategies
    "Next-token": "逐词元",
    "one pass, one token": "一次前向，一个词元",
    "Draft model": "草稿模型",
    "a small model guesses ahead": "由小模型提前猜测",
    "N-gram lookup": "N 元组查找",
    "copies what followed the same words before": "照抄相同词语此前的后续",
    "MTP heads": "MTP 预测头",
    "the model's own extra heads guess ahead": "模型自带的额外预测头提前猜测",
    "one layer guesses the model's next features": "用一层猜测模型接下来的特征",
    "one layer drafts from low, middle and high features": "用一层依据低、中、高层特征起草",
    "one shared module guesses again and again": "同一个共享模块反复猜测",
    "small heads on the last layer guess ahead": "最后一层上的小预测头提前猜测",
    "heads leap ahead, earlier guesses fill the gaps": "预测头跳跃向前，此前的猜测补上空隙",
    "FIRP-style": "FIRP 式",
    "pseudo hidden states run through the upper layers": "伪隐状态穿过上面各层",
    # example prompts
    "story": "故事",
    "The beginning of a short tale": "一则短故事的开头",
    "chat": "对话",
    "A question to an assistant": "向助手提的问题",
    "Python": "Python",
    "A function to complete": "待补全的函数",
    "中文": "中文",
    "A question in Chinese, of which the bundled model knows too little: it repeats itself, and lookup gains by that": (
        "中文问题；自带的模型中文学得太少，会重复自己，查找法因此得利"
    ),
    "repeating": "重复文本",
    "math": "算术",
    "A worked calculation, long on purpose (384 tokens): Figures shows the tokens per pass along the text": (
        "分步计算，特意写长（384 个词元）：在“图表”中看每次前向的词元数怎样沿文本变化"
    ),
    "A text that repeats itself: where looking up what came before can pay": "自身有重复的文本：查找前文可能有用",
    # what would help a lane most
    "free drafting": "若起草不花时间",
    "verifying at a plain pass's cost": "若验证与普通前向同价",
    "a plain pass's commit": "若提交与普通前向同价",
    "no extra host time": "若没有额外的主机时间",
    # figures that have nothing to draw
    "A speedup needs a next-token lane and another lane on the same device.": (
        "加速比需要同一设备上的逐词元泳道和另一条泳道。"
    ),
    "No lane has been timed yet.": "还没有泳道计过时。",
    "No lane has drafted a token yet.": "还没有泳道起草过词元。",
    "No lane has drafted a token, so there is nothing to accept.": "没有泳道起草过词元，因此也没有可接受的。",
    "No lane here has drafted beside a next-token lane.": "这里没有与逐词元泳道一起起草过的泳道。",
    "No step has been taken yet.": "还没有走过一步。",
    "No token has arrived yet.": "还没有词元到达。",
    "The budget needs a next-token lane and another lane on the same device.": (
        "时间账需要同一设备上的逐词元泳道和另一条泳道。"
    ),
    "The roofline needs a timed next-token lane and a model whose size is known.": (
        "屋顶线需要计过时的逐词元泳道，以及已知大小的模型。"
    ),
    # figures
    "Acceptance by depth": "各深度的接受率",
    "The prefix rate at depth k is the share of drafting steps whose accepted path is at least k tokens long (their sum"
    " is τ − 1); the conditional rate counts only the steps that got as far as a draft at depth k; whiskers are 95 %"
    " Wilson intervals.": (
        "深度 k 的前缀接受率是接受路径至少长 k 个词元的起草步所占的比例（其和为 τ − 1）；条件接受率只计走到深"
        "度 k 的草稿的步；"
        "须线为 95 % Wilson 区间。"
    ),
    "Accepted length": "接受长度",
    "The share of target passes that accepted exactly this many drafted tokens; the bonus token comes on top, so a"
    " lane's mean plus one is its τ.": (
        "恰好接受这么多草稿词元的前向所占的比例；奖励词元另计，因此泳道的均值加一就是它的 τ。"
    ),
    "Waiting for tokens": "等待词元的时间",
    "Above, the time to the first token (the prompt's pass). Below, each stroke is one pass that delivered tokens, as"
    " tall as the number that came at once: speculation delivers in bursts, so the median gap between tokens is 0 where"
    " most arrive with another, and the 95th percentile is a whole pass.": (
        "上图是首个词元的等待时间（处理提示词的前向）。下图每一竖线是一次交付词元的前向，高度为一次到达的个数"
        "：推测解码成串"
        "交付，多数词元与别的同时到达时，词元间隔的中位数为 0，第 95 百分位则是一整次前向。"
    ),
    "Batch and context": "批大小与上下文",
    (
        "The speedup that these drafts would have at Llama-3.1-8B, over the sequences decoded at once and "
        "over the length of the text before. A chain as long as pays best, with the acceptance of this run. "
        "With more sequences a pass waits for arithmetic, and a checked draft costs as much as a token: there "
        "drafting stops paying."
    ): (
        "这些草稿在 Llama-3.1-8B 上会有的加速比：横轴是同时生成的序列数，以及前文的长度。"
        "链长取最划算的，接受率用本次运行的。序列越多，前向越是在等计算，检查一个草稿就和生成一个词元一样贵：从那里起，起草不再划算。"
    ),
    "Roofline": "屋顶线",
    "A pass reads all weights once and computes each row with them: more rows do more operations on the same bytes, and"
    " as long as a point lies under the slope, extra rows cost little. That is why checking drafts is cheap (Williams,"
    " Waterman, Patterson 2009).": (
        "一次前向把全部权重读一遍，并用它们计算每一行：行越多，对同样字节做的运算越多；只要点还在斜线之下，多"
        "几行几乎不花钱。"
        "检查草稿因此便宜。（Williams、Waterman、Patterson，2009）"
    ),
    "Speedup step by step": "逐步的加速比",
    "Each point is one target pass: the tokens it gave times the next-token lane's mean time per token, over its own"
    " time; the line is the same for all passes so far, so its end is the lane's speedup.": (
        "每个点是一次前向：它给出的词元数乘以逐词元泳道每词元的平均时间，再除以它自己的时间；折线对至今的全部"
        "前向作同样计算，"
        "所以终点就是该泳道的加速比。"
    ),
    "τ along the text": "τ 沿文本的变化",
    "Tokens per pass in each window of the text (the larger the marker, the more passes lie in it). A worked"
    " calculation that repeats its own numbers is drafted better the longer it gets; a story that turns is not.": (
        "文本各窗口中每次前向的词元数（标记越大，其中的前向越多）。不断重复自身数字的演算越长越好起草；情节转"
        "折的故事则不然。"
    ),
    "Time per token": "每词元的时间",
    "Milliseconds that each generated token cost, by phase: drafting, the target's pass that verifies, committing the"
    " accepted path to the cache, and the host; prefill is not counted.": (
        "每个生成词元花费的毫秒数，按阶段分：起草、目标模型验证的前向、把接受的路径提交到缓存、主机；不计预填充。"
    ),
    "Tokens over time": "词元数随时间的变化",
    "Each stair is one target pass on the lane's own clock, prefill included: its width is the time that the pass took,"
    " its height the tokens that it gave; the steeper the stairs, the faster the lane.": (
        "每级台阶是泳道自己时钟上的一次前向，含预填充：宽是所用时间，高是给出的词元数；台阶越陡，泳道越快。"
    ),
    "Why is it not faster?": "为什么没有更快？",
    "τ, the tokens per target pass, would be the speedup if a pass over drafts cost no more than a plain "
    "one and nothing"
    " else cost anything; each bar takes away its share of the extra time, and what remains is the measured speedup.": (
        "假如检查草稿的前向与普通前向一样便宜，其他都不花时间，加速比就是 τ，即每次前向的词元数；每根柱取走自"
        "己那份额外时间，"
        "余下的就是实测加速比。"
    ),
    "The race in figures": "比赛的图表",
    "Drawn from the race above, whole, when it has ended.": "根据上面的整场比赛，在其结束后绘制。",
}
