"""What explains a race: why it is not faster, what if, the vocabulary."""

from __future__ import annotations

ACCOUNTS = {
    "nav.speedup": "加速比",
    "nav.vocabulary": "词表",
    # speedup
    "speedup.title": "加速比",
    "speedup.lanes": "要解释的泳道",
    "speedup.why": "为什么没有更快？",
    "speedup.base": "这就是基准本身：请选择一条会起草的泳道。",
    "speedup.none": "这条泳道无从说起：需要同一台机器上的逐词元泳道，以及计过时的步。",
    "speedup.waiting": "比赛结束后会给出说明。",
    "speedup.ceiling": (
        "{title}每次前向写出 {tau} 个词元；假如起草不花时间，检查草稿的前向又和普通前向一样便宜，就会是逐词元预测"
        "的 {tau} 倍。实际是 {measured}×。"
    ),
    "speedup.price": (
        "它的一步相当于 {price} 个普通步，因此盈亏平衡在 τ = {price}：每个草稿要有 {even} 的时候是对的。这里有 {here}"
        " 的时候是对的。"
    ),
    "speedup.price.free": "它的一步相当于 {price} 个普通步。不需要任何草稿猜对就能持平：别处省下的已抵过起草。",
    "speedup.price.never": "它的一步相当于 {price} 个普通步：草稿这么短，即使全对也不能持平。",
    "speedup.helps.draft": "最有帮助的是更便宜的起草。若起草不花时间，这条泳道会达到 {x}×。",
    "speedup.helps.verify": "最有帮助的是更便宜的验证前向。若与普通前向同价，这条泳道会达到 {x}×。",
    "speedup.helps.commit": "最有帮助的是更便宜的缓存提交。若与普通步同价，这条泳道会达到 {x}×。",
    "speedup.helps.host": "最有帮助的是减少主机时间。若与普通步相同，这条泳道会达到 {x}×。",
    "speedup.helps.none": "它的步没有哪一部分比普通步更贵：只有更好的草稿才有帮助。",
    "speedup.loops": "文本在重复自己（不同 4 元组：{share}），会高估一切草稿器：请勿引用这些数字。",
    "speedup.distinct": "文本中不同 4 元组的比例：{share}。",
    "speedup.scale": "每个草稿猜对的频率",
    "speedup.slower": "更慢",
    "speedup.faster": "更快",
    "speedup.even": "平衡点 {x}",
    "speedup.here": "本次 {x}",
    # what if
    "whatif.title": "如果……？",
    "whatif.about": "同样的草稿换一块卡、换模型、换批大小、换长度或换树：这是预测，没有运行",
    "whatif.none": "这条泳道无法用来预测：它必须与逐词元泳道一起起草过，且模型大小已知。",
    "whatif.card": "机器",
    "whatif.model": "目标模型",
    "whatif.here": "当前",
    "whatif.batch": "同时生成的序列数",
    "whatif.length": "草稿长度",
    "whatif.nodes": "树的节点数",
    "whatif.predicted": "预测",
    "whatif.range": "{low} 至 {high}×",
    "whatif.one": "{x}×",
    "whatif.tau": "每步 {tau} 个词元，每步相当于 {price} 个普通步：验证 {verify}，起草 {draft}，其余 {rest}",
    "whatif.bound.memory": "前向在等内存：检查草稿几乎不花钱。",
    "whatif.bound.compute": "前向在等计算：每个草稿都和一个词元一样贵。",
    "whatif.bound.launches": "模型对这块卡来说太小，启动内核比运行它们还久。",
    "whatif.bound.measured": "这种前向的价格是实测的，来自本场比赛的其他泳道或机器自己的测量表。",
    "whatif.bound.curves": "此模型在这块卡上的前向价格是实测的（bench scale）。",
    "whatif.bound.extended": "这里没有测过这么多行：价格按已测各点的斜率外推。",
    "whatif.fits": "以 bf16 存放时，这块卡的内存装不下该模型。",
    "whatif.unknown": "此轨迹没有记录模型的层数；只计其大小，不计内核启动。",
    "whatif.deep": "这里没有试过深度 {n} 以上的草稿：以最后一层的接受率代替。",
    "whatif.band": (
        "范围的由来：本次的树只在草稿有把握时才更深。上端照搬其接受率，下端把没有起草的都算作猜错。"
        "两者都针对固定的树；像本次这样随步调整的树可能更好。"
    ),
    "whatif.present": (
        "本次运行自身：预测 {predicted}×，实测 {measured}×，相差 {error}。预测用了本次的接受率，前向的价格取自其"
        "他泳道。"
    ),
    "whatif.source": "{name}：{gb} GB/s，{tflops} TFLOP/s bf16（{source}）；两者都按能达到 70 % 计。",
    "whatif.lengths": "加速比随草稿长度的变化",
    "whatif.batches": "加速比随同时生成的序列数的变化",
    # vocabulary
    "vocabulary.title": "词表",
    "vocabulary.lanes": "要查看其词表的泳道",
    "vocabulary.none": "没有本场比赛模型的词元频率，因此无法说明其词表。",
    "vocabulary.other": "此轨迹由另一版自带模型写出：其词元与统计时的不同。",
    "vocabulary.about": "草稿不必给每个词元打分，验证才需要。一种语言的文本大多只用到少数词元。",
    "vocabulary.coverage": "不同大小的覆盖率",
    "vocabulary.coverage.about": "留出文本中属于最常用词元的比例，在制作词表映射时统计；以及当前文本的比例",
    "vocabulary.axis.x": "草稿打分的词元数",
    "vocabulary.language.en": "英文",
    "vocabulary.language.zh": "中文",
    "vocabulary.language.code": "代码",
    "vocabulary.text": "当前文本",
    "vocabulary.used": "实际使用",
    "vocabulary.lane": "这条泳道",
    "vocabulary.scored": "在 {all} 个词元中给 {n} 个（{share}）打分，取{language}中最常用的。",
    "vocabulary.scored.full": "给全部 {all} 个词元打分：没有删减，也没有损失。",
    "vocabulary.scored.base": (
        "这条泳道不给草稿打分。下面是使用{language}映射、{n} 个词元（{share}）的草稿器对其文本能说些什么。"
    ),
    "vocabulary.saved": "一次起草读取 {cut} 的输出矩阵，而不是 {full}：少 {share}。",
    "vocabulary.saved.rows": "一次起草少算输出矩阵 {share} 的行；此轨迹没有记录行宽。",
    "vocabulary.lost": "这段文本的 {of} 个词元中有 {n} 个在映射之外：没有草稿能说出它们。验证可以，所以文本不变。",
    "vocabulary.lost.none": "这段文本的 {of} 个词元全部在映射之内：这里没有损失。",
    "vocabulary.tau": "每次前向的词元数随大小的变化",
    "vocabulary.tau.bound": (
        "由本次运行读出：凡被接受而落在更小词表之外的草稿，都算没有猜中；这大致是该大小下的最低值。并非实测。"
    ),
    "vocabulary.tau.measured": "圆点：本场比赛中以该大小运行的泳道，实测。",
    # a live race too fast to read
    "status.slowed": "正在运行，画面放慢到真实速度的 {rate}，以便跟得上。按 End 键可看已有的全部。",
    "status.done.slowed": "按泳道自己的时钟在 {s} 秒内完成；画面是该速度的 {rate}。按 End 键可看全部。",
}
