"""Whether what was made is complete."""


rule verify_probe:
    """Compare a probe's references and envelope with its file, at random places."""
    input:
        references="<results>/{session}/probes/{probe}/lfp.json",
        envelope="<results>/{session}/probes/{probe}/envelope.zarr.zip",
        script=script("verify_probe"),
    output:
        verified="<results>/{session}/probes/{probe}/verified.json",
    log:
        "<logs>/verify_probe/{session}/{probe}.log",
    benchmark:
        "<benchmarks>/verify_probe/{session}/{probe}.tsv"
    threads: 1  # chunks are read one by one, and kerchunk works while this process waits
    resources:
        mem_mb=growing(600, 200),
        runtime="1h",
    params:
        chunks=config["verify"]["chunks"],
        library=library("verify_probe"),
    shell:
        """
        python {input.script:q} {input.references:q} {input.envelope:q} \
            --chunks {params.chunks} --verified {output.verified:q} >{log:q} 2>&1
        """


rule check_run:
    """Say what is incomplete, uncertain or not taken, and fail where a probe is incomplete."""
    input:
        run="<results>/run.json",  # which waits for all else
        script=script("check_run"),
    output:
        complete="<results>/complete.txt",
    log:
        "<logs>/check_run.log",
    benchmark:
        "<benchmarks>/check_run.tsv"
    retries: 0  # what is incomplete stays so
    localrule: True
    resources:
        mem_mb=500,
    params:
        library=library("check_run"),
    shell:
        """
        python {input.script:q} {input.run:q} --complete {output.complete:q} \
            >{log:q} 2>&1
        """
