"""What stimuli and other intervals evoke."""


rule average_intervals:
    """Average a probe's LFP around all kinds of intervals, each chunk read at most once."""
    input:
        references="<results>/{session}/probes/{probe}/lfp.json",
        envelope="<results>/{session}/probes/{probe}/envelope.zarr.zip",
        channels="<results>/{session}/probes/{probe}/channels.csv",
        periods="<results>/{session}/probes/{probe}/periods.csv",
        intervals="<results>/{session}/intervals.csv",
        script=script("average_intervals"),
    output:
        evoked="<results>/{session}/probes/{probe}/evoked.zarr.zip",
        responses="<results>/{session}/probes/{probe}/evoked.csv",
    log:
        "<logs>/average_intervals/{session}/{probe}.log",
    benchmark:
        "<benchmarks>/average_intervals/{session}/{probe}.tsv"
    threads: 4
    resources:
        mem_mb=averaging_memory,
        runtime=growing(10, 60),
    params:
        before=config["evoked"]["before"],
        after=config["evoked"]["after"],
        kinds=config["evoked"]["kinds"],
        conditions=options("--conditions", config["evoked"]["conditions"]),
        library=library("average_intervals"),
    shell:
        """
        python {input.script:q} {input.references:q} {input.envelope:q} {input.intervals:q} \
            {input.periods:q} --before {params.before} --after {params.after} --kinds {params.kinds} \
            {params.conditions} --threads {threads} --evoked {output.evoked:q} \
            --responses {output.responses:q} >{log:q} 2>&1
        """


rule draw_evoked:
    """Draw the averages of a probe: LFP and CSD over depth and time, some channels as lines."""
    input:
        references="<results>/{session}/probes/{probe}/lfp.json",
        envelope="<results>/{session}/probes/{probe}/envelope.zarr.zip",
        channels="<results>/{session}/probes/{probe}/channels.csv",
        evoked="<results>/{session}/probes/{probe}/evoked.zarr.zip",
        by_hand=labels_by_hand,
        script=script("draw_evoked"),
    output:
        picture=report(
            "<results>/{session}/probes/{probe}/evoked.png",
            caption="report/evoked.rst",
            category="Probes",
            subcategory="{session}",
            labels={"probe": "{probe}", "shows": "averages"},
        ),
    log:
        "<logs>/draw_evoked/{session}/{probe}.log",
    benchmark:
        "<benchmarks>/draw_evoked/{session}/{probe}.tsv"
    resources:
        mem_mb=averaging_memory,
        runtime="30m",
    params:
        width=config["overview"]["width"],
        smooth_um=config["evoked"]["smooth_um"],
        smooth_ms=config["evoked"]["smooth_ms"],
        by_hand=lambda wildcards, input: options("--by-hand", input.by_hand),
        library=library("draw_evoked"),
    shell:
        """
        python {input.script:q} {input.references:q} {input.envelope:q} {input.channels:q} \
            {input.evoked:q} --width {params.width} --smooth-um {params.smooth_um} \
            --smooth-ms {params.smooth_ms} {params.by_hand} --picture {output.picture:q} >{log:q} 2>&1
        """


rule draw_session_evoked:
    """Draw the averages of all probes of a session, side by side at one scale."""
    input:
        references=of_probes("lfp.json"),
        envelopes=of_probes("envelope.zarr.zip"),
        channels=of_probes("channels.csv"),
        evoked=of_probes("evoked.zarr.zip"),
        by_hand=labels_by_hand,
        script=script("draw_session_evoked"),
    output:
        picture=report(
            "<results>/{session}/evoked.png",
            caption="report/session_evoked.rst",
            category="Sessions",
            labels={"session": "{session}", "shows": "averages"},
        ),
    log:
        "<logs>/draw_session_evoked/{session}.log",
    benchmark:
        "<benchmarks>/draw_session_evoked/{session}.tsv"
    resources:
        mem_mb=averaging_memory,
        runtime="30m",
    params:
        width=config["overview"]["width"],
        smooth_um=config["evoked"]["smooth_um"],
        smooth_ms=config["evoked"]["smooth_ms"],
        by_hand=lambda wildcards, input: options("--by-hand", input.by_hand),
        library=library("draw_session_evoked"),
    shell:
        """
        python {input.script:q} --references {input.references:q} \
            --envelopes {input.envelopes:q} --channels {input.channels:q} \
            --evoked {input.evoked:q} --session {wildcards.session} \
            --width {params.width} --smooth-um {params.smooth_um} \
            --smooth-ms {params.smooth_ms} {params.by_hand} --picture {output.picture:q} >{log:q} 2>&1
        """
