"""References to the bytes where they are."""


rule index_probe:
    """Write the references of one probe: where each chunk of its recording lies.

    One that cannot be indexed does not stop the session: index.json has the reason.
    """
    input:
        source="<results>/{session}/probes/{probe}/source.json",
        script=script("index_probe"),
    output:
        references="<results>/{session}/probes/{probe}/lfp.json",
        index="<results>/{session}/probes/{probe}/index.json",
    log:
        "<logs>/index_probe/{session}/{probe}.log",
    benchmark:
        "<benchmarks>/index_probe/{session}/{probe}.tsv"
    resources:
        # 85 MB for a released probe; more with very many chunks
        mem_mb=lambda wildcards, attempt: 500 * attempt,
        runtime=lambda wildcards, attempt: 60 * attempt,
    params:
        failures=failures_of("{session}/probes/{probe}/index.json"),
        library=library("index_probe"),
    shell:
        # a second time, with the exit code, where the first one did not come to its end
        """
        set -- python {input.script:q} {input.source:q} --session {wildcards.session} \
            --probe {wildcards.probe} --references {output.references:q} \
            --index {output.index:q} --tries {params.failures}
        "$@" >{log:q} 2>&1 || "$@" --ended $? >>{log:q} 2>&1
        """


checkpoint index_session:
    """List which probes of a session are indexed, and why others are not."""
    input:
        indexes=of_listed("index.json"),
        script=script("index_session"),
    output:
        indexed="<results>/{session}/indexed.tsv",
    log:
        "<logs>/index_session/{session}.log",
    benchmark:
        "<benchmarks>/index_session/{session}.tsv"
    localrule: True
    resources:
        mem_mb=500,
    params:
        library=library("index_session"),
    shell:
        """
        python {input.script:q} {input.indexes:q} --indexed {output.indexed:q} >{log:q} 2>&1
        """


rule combine_session:
    """Combine the references of a session's probes."""
    input:
        references=of_probes("lfp.json"),
        script=script("combine_session"),
    output:
        combined="<results>/{session}/session.json",
    log:
        "<logs>/combine_session/{session}.log",
    benchmark:
        "<benchmarks>/combine_session/{session}.tsv"
    localrule: True
    resources:
        mem_mb=500,
    params:
        library=library("combine_session"),
    shell:
        """
        python {input.script:q} {input.references:q} --session {wildcards.session} \
            --combined {output.combined:q} >{log:q} 2>&1
        """


rule list_intervals:
    """Bring stimuli, epochs and trials of a session's NWB files into one table."""
    input:
        own_source,
        sources=of_probes("source.json"),
        script=script("list_intervals"),
    output:
        intervals="<results>/{session}/intervals.csv",
    log:
        "<logs>/list_intervals/{session}.log",
    benchmark:
        "<benchmarks>/list_intervals/{session}.tsv"
    localrule: True
    resources:
        mem_mb=500,
    params:
        files=files_with_intervals,
        state=state_of_files_with_intervals,
        library=library("list_intervals"),
    shell:
        """
        python {input.script:q} {params.files:q} --intervals {output.intervals:q} \
            >{log:q} 2>&1
        """


rule list_behavior:
    """Bring running speed, pupil area and the like of a session's NWB files into one file."""
    input:
        own_source,
        sources=of_probes("source.json"),
        script=script("list_behavior"),
    output:
        behavior="<results>/{session}/behavior.zarr.zip",
    log:
        "<logs>/list_behavior/{session}.log",
    benchmark:
        "<benchmarks>/list_behavior/{session}.tsv"
    localrule: True
    resources:
        # 20 million samples of a series, and what is kept of all
        mem_mb=lambda wildcards, attempt: 1000 * attempt,
    params:
        files=files_with_intervals,
        state=state_of_files_with_intervals,
        library=library("list_behavior"),
    shell:
        """
        python {input.script:q} {params.files:q} --behavior {output.behavior:q} \
            >{log:q} 2>&1
        """
