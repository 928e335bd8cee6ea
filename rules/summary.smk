"""One pass over each probe."""


rule summarize_probe:
    """One pass over a probe: statistics, envelope, spectra and quality of its channels."""
    input:
        references="<results>/{session}/probes/{probe}/lfp.json",
        script=script("summarize_probe"),
    output:
        **SPECTRUM,
        envelope="<results>/{session}/probes/{probe}/envelope.zarr.zip",
        channels=report(
            "<results>/{session}/probes/{probe}/channels.csv",
            caption="report/channels.rst",
            category="Probes",
            subcategory="{session}",
            labels={"probe": "{probe}", "shows": "table of channels"},
        ),
    log:
        "<logs>/summarize_probe/{session}/{probe}.log",
    benchmark:
        "<benchmarks>/summarize_probe/{session}/{probe}.tsv"
    threads: 4
    resources:
        mem_mb=summary_memory,
        runtime=growing(15, 60),
    params:
        bucket=config["summary"]["bucket"],
        on_damage=config["on_damage"],
        spectrum=spectrum_options,
        library=library("summarize_probe"),
    shell:
        """
        python {input.script:q} {input.references:q} --bucket {params.bucket} \
            --threads {threads} --on-damage {params.on_damage} --envelope {output.envelope:q} \
            --channels {output.channels:q} {params.spectrum} >{log:q} 2>&1
        """
