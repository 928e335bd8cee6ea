"""Pictures of complete recordings."""


rule draw_probe:
    """Draw the complete recording of one probe, all channels."""
    input:
        references="<results>/{session}/probes/{probe}/lfp.json",
        envelope="<results>/{session}/probes/{probe}/envelope.zarr.zip",
        channels="<results>/{session}/probes/{probe}/channels.csv",
        intervals="<results>/{session}/intervals.csv",
        by_hand=labels_by_hand,
        script=script("draw_probe"),
    output:
        overview=report(
            "<results>/{session}/probes/{probe}/overview.png",
            caption="report/probe.rst",
            category="Probes",
            subcategory="{session}",
            labels={"probe": "{probe}", "shows": "overview"},
        ),
        thumbnail="<results>/{session}/probes/{probe}/thumbnail.png",
        levels="<results>/{session}/probes/{probe}/thumbnail_levels.png",
    log:
        "<logs>/draw_probe/{session}/{probe}.log",
    benchmark:
        "<benchmarks>/draw_probe/{session}/{probe}.tsv"
    threads: 2
    resources:
        # a picture has as many columns however long the recording is
        mem_mb=drawing_memory,
        runtime="30m",
    params:
        width=config["overview"]["width"],
        height=config["overview"]["height"],
        microvolts=config["overview"]["microvolts"],
        by_hand=lambda wildcards, input: options("--by-hand", input.by_hand),
        library=library("draw_probe"),
    shell:
        """
        python {input.script:q} {input.references:q} {input.envelope:q} \
            --channels {input.channels:q} {params.by_hand} --intervals {input.intervals:q} \
            --width {params.width} --height {params.height} \
            --microvolts {params.microvolts} --threads {threads} \
            --overview {output.overview:q} --thumbnail {output.thumbnail:q} \
            --levels {output.levels:q} >{log:q} 2>&1
        """


rule draw_session:
    """Draw all probes of a session on one clock."""
    input:
        references=of_probes("lfp.json"),
        envelopes=of_probes("envelope.zarr.zip"),
        channels=of_probes("channels.csv"),
        intervals="<results>/{session}/intervals.csv",
        script=script("draw_session"),
    output:
        overview=report(
            "<results>/{session}/overview.png",
            caption="report/session.rst",
            category="Sessions",
            labels={"session": "{session}"},
        ),
    log:
        "<logs>/draw_session/{session}.log",
    benchmark:
        "<benchmarks>/draw_session/{session}.tsv"
    resources:
        mem_mb=drawing_memory,
        runtime="30m",
    params:
        width=config["overview"]["width"],
        height=config["overview"]["height"],
        microvolts=config["overview"]["microvolts"],
        library=library("draw_session"),
    shell:
        """
        python {input.script:q} --references {input.references:q} \
            --envelopes {input.envelopes:q} --session {wildcards.session} \
            --intervals {input.intervals:q} \
            --width {params.width} --height {params.height} \
            --microvolts {params.microvolts} --overview {output.overview:q} >{log:q} 2>&1
        """
