"""Complete recordings, transformed: of the views that the configuration names."""


rule summarize_view:
    """One pass over a probe: the envelope of its transformed samples."""
    input:
        references="<results>/{session}/probes/{probe}/lfp.json",
        envelope="<results>/{session}/probes/{probe}/envelope.zarr.zip",
        channels="<results>/{session}/probes/{probe}/channels.csv",  # labels: bad ones are no reference
        by_hand=labels_by_hand,
        script=script("summarize_view"),
    output:
        view="<results>/{session}/probes/{probe}/views/{view}.zarr.zip",
    log:
        "<logs>/summarize_view/{session}/{probe}/{view}.log",
    benchmark:
        "<benchmarks>/summarize_view/{session}/{probe}/{view}.tsv"
    threads: 4
    resources:
        mem_mb=view_memory,
        runtime=growing(15, 60),
    params:
        transform=lambda wildcards: config["views"][wildcards.view],
        library=library("summarize_view"),
    shell:
        """
        python {input.script:q} {input.references:q} {input.envelope:q} \
            --transform {params.transform:q} --view {output.view:q} --threads {threads} >{log:q} 2>&1
        """
