"""Periods, and pictures of spectra and channel quality."""


rule draw_spectrum:
    """Draw spectra by depth and time, and channel quality, of one probe."""
    input:
        references="<results>/{session}/probes/{probe}/lfp.json",
        spectrum="<results>/{session}/probes/{probe}/spectrum.zarr.zip",
        by_hand=labels_by_hand,
        script=script("draw_spectrum"),
    output:
        picture=report(
            "<results>/{session}/probes/{probe}/spectrum.png",
            caption="report/spectrum.rst",
            category="Probes",
            subcategory="{session}",
            labels={"probe": "{probe}", "shows": "spectra and channel quality"},
        ),
        thumbnail="<results>/{session}/probes/{probe}/spectrum_small.png",
    log:
        "<logs>/draw_spectrum/{session}/{probe}.log",
    benchmark:
        "<benchmarks>/draw_spectrum/{session}/{probe}.tsv"
    resources:
        mem_mb=growing(500, 100),
        runtime="30m",
    params:
        by_hand=lambda wildcards, input: options("--by-hand", input.by_hand),
        library=library("draw_spectrum"),
    shell:
        """
        python {input.script:q} {input.references:q} {input.spectrum:q} \
            {params.by_hand} --picture {output.picture:q} \
            --thumbnail {output.thumbnail:q} >{log:q} 2>&1
        """


rule find_periods:
    """Find gaps, damage, saturation, artefacts, theta and ripples of one probe."""
    input:
        **SPECTRUM,
        references="<results>/{session}/probes/{probe}/lfp.json",
        envelope="<results>/{session}/probes/{probe}/envelope.zarr.zip",
        channels="<results>/{session}/probes/{probe}/channels.csv",
        by_hand=labels_by_hand,
        script=script("find_periods"),
    output:
        periods="<results>/{session}/probes/{probe}/periods.csv",
    log:
        "<logs>/find_periods/{session}/{probe}.log",
    benchmark:
        "<benchmarks>/find_periods/{session}/{probe}.tsv"
    threads: 2
    resources:
        mem_mb=growing(600, 200),
        runtime=growing(10, 30),
    params:
        spectrum=lambda wildcards, input: options(
            "--spectrum", [input.spectrum] if config["spectrum"] else []
        ),
        by_hand=lambda wildcards, input: options("--by-hand", input.by_hand),
        thresholds=" ".join(
            f"--{name.replace('_', '-')} {value}"
            for name, value in config["periods"].items()
        ),
        library=library("find_periods"),
    shell:
        """
        python {input.script:q} {input.references:q} {input.envelope:q} {input.channels:q} \
            {params.spectrum} {params.by_hand} {params.thresholds} --periods {output.periods:q} \
            >{log:q} 2>&1
        """
