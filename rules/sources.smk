"""Which probes there are, and their bytes in place."""


rule prepare_allensdk:
    """Set up AllenSDK's own environment, and see that it writes and opens an NWB file."""
    input:
        environment=str(HOUSE / "envs" / "allensdk.txt"),
        script=script("prepare_allensdk"),
    output:
        versions="<results>/allensdk.json",
    log:
        "logs/prepare_allensdk.log",
    benchmark:
        "benchmarks/prepare_allensdk.tsv"
    localrule: True
    resources:
        mem_mb=1000,
    params:
        python=allensdk(),
    shell:
        "{params.python} {input.script:q} {output.versions:q} >{log:q} 2>&1"


rule list_allen_probes:
    """Ask AllenSDK for the probes of a session, and where their files are."""
    input:
        # what the warehouse has said once is not asked again because a program is newer
        environment=ancient("<results>/allensdk.json"),
        script=ancient(script("list_allen_probes")),
    output:
        listed="<results>/{session}/allen.tsv",
    log:
        "logs/list_allen_probes/{session}.log",
    benchmark:
        "benchmarks/list_allen_probes/{session}.tsv"
    localrule: True
    resources:
        mem_mb=1000,
        downloads=1,
        # it only names the row in an error: as a param, another table would have all asked anew
        sessions=config["sessions"],
    params:
        python=allensdk("--offline"),
        folder=f"{config['cache']}/allen",
        warehouse=warehouse(),
        patience=patience(),
        own="--session-nwb" if config["allen"]["session_nwb"] else "",
    shell:
        """
        {params.python} {input.script:q} {wildcards.session} --folder {params.folder:q} \
            --sessions {resources.sessions:q} --listed {output.listed:q} \
            {params.own} {params.warehouse} {params.patience} >{log:q} 2>&1
        """


rule list_allen_sessions:
    """Write a table of those of Allen's sessions that allen.select describes."""
    input:
        environment=ancient(
            [] if config["allen"]["mirror"] else "<results>/allensdk.json"
        ),
        script=script("list_allen_sessions"),
    output:
        sessions="<results>/allen_sessions.tsv",
    log:
        "logs/list_allen_sessions.log",
    benchmark:
        "benchmarks/list_allen_sessions.tsv"
    localrule: True
    resources:
        mem_mb=1000,
        downloads=1,
    params:
        python="python" if config["allen"]["mirror"] else allensdk("--offline"),
        folder=f"{config['cache']}/allen",
        mirror=config["allen"]["mirror"] or "",
        select=selection(),
        warehouse=warehouse(),
        patience=patience(),
    shell:
        """
        {params.python} {input.script:q} --folder {params.folder:q} \
            --mirror={params.mirror:q} {params.select} --sessions {output.sessions:q} \
            {params.warehouse} {params.patience} 2>&1 | tee {log:q}
        """


checkpoint list_probes:
    """Find the probes of all sessions. A file that cannot be read is a row that says so."""
    input:
        nwb_files,
        listed=listed_sessions,
        sessions=config["sessions"],
        script=script("list_probes"),
    output:
        probes="<results>/probes.tsv",
    log:
        "logs/list_probes.log",
    benchmark:
        "benchmarks/list_probes.tsv"
    localrule: True
    resources:
        mem_mb=500,
    params:
        cache=config["cache"],
        listed=lambda wildcards: options("--listed", listed_sessions(wildcards)),
        mirror=config["allen"]["mirror"] or "",
        library=library("list_probes"),
    shell:
        """
        python {input.script:q} {input.sessions:q} --cache {params.cache:q} \
            --probes {output.probes:q} {params.listed} --mirror={params.mirror:q} \
            >{log:q} 2>&1
        """


rule fetch_probe:
    """Find, make or fetch a probe's file, check it, and note where it is and what to take of it.

    The file itself is no output: Snakemake would delete it before it runs the rule.
    """
    input:
        nwb_of,
        # a newer program does not make worse a file that is there and whole: rerunning could mean
        # a download, so the script is ancient and its library not named
        script=ancient(script("fetch_probe")),
    output:
        source="<results>/{session}/probes/{probe}/source.json",
    log:
        "logs/fetch_probe/{session}/{probe}.log",
    benchmark:
        "benchmarks/fetch_probe/{session}/{probe}.tsv"
    resources:
        mem_mb=1000,
        runtime="4h",
        downloads=lambda wildcards: int(bool(fetching(wildcards.session))),
    params:
        row=row_of,
    shell:
        """
        python {input.script:q} {params.row} --session {wildcards.session} \
            --probe {wildcards.probe} --checked {output.source:q} >{log:q} 2>&1
        """


rule fetch_session:
    """Fetch Allen's own file of a session, which holds its stimuli, where that is asked for."""
    input:
        listed=ancient("<results>/{session}/allen.tsv"),
        script=ancient(script("fetch_session")),
    output:
        source="<results>/{session}/source.json",
    log:
        "logs/fetch_session/{session}.log",
    benchmark:
        "benchmarks/fetch_session/{session}.tsv"
    resources:
        mem_mb=1000,
        runtime="4h",
        downloads=1,
    params:
        folder=f"{config['cache']}/allen",
        patience=patience(),
    shell:
        """
        python {input.script:q} {wildcards.session} --folder {params.folder:q} \
            --listed {input.listed:q} --checked {output.source:q} {params.patience} \
            >{log:q} 2>&1
        """
